internal import Octets

/// A certificate for 127.0.0.1, its authority, and one for a client: made for these tests, good until 2126, worth
/// nothing.
package enum TestCertificate {
  package static let authority = """
    -----BEGIN CERTIFICATE-----
    MIIBjjCCATOgAwIBAgIUYLw3IahiaeblfvdaMEIvb4raqQYwCgYIKoZIzj0EAwIw
    GzEZMBcGA1UEAwwQdHVybnBpa2UgdGVzdCBDQTAgFw0yNjExMjExNTI1NDZaGA8y
    MTI2MTAyODE1MjU0NlowGzEZMBcGA1UEAwwQdHVybnBpa2UgdGVzdCBDQTBZMBMG
    ByqGSM49AgEGCCqGSM49AwEHA0IABP7byy9gK2alsxxdEdn/TM0F8I42EUy+au2h
    mAFT/5/dGzL4GLGe2QaEQ034Fxjla9l3GOLomkKltzBge9CQRZujUzBRMB0GA1Ud
    DgQWBBT2lThG5MOy5sf4ltd3B/rIPju3FDAfBgNVHSMEGDAWgBT2lThG5MOy5sf4
    ltd3B/rIPju3FDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCB
    FvgUrGGjzjKsr9i8WwFa7djoII8zWsRkuEN4bvkwgAIhAPJjw/hroE37pqaSNjf8
    RxhWU+AsvTFoI5AXIn/Twql7
    -----END CERTIFICATE-----
    """

  /// As a kubeconfig has it.
  package static var authorityData: String { Base64.encode(self.authority.utf8) }

  package static let chain = """
    -----BEGIN CERTIFICATE-----
    MIIBkTCCATigAwIBAgIUTOTjHbnOeL6/nmS8DWZTKjqJ32YwCgYIKoZIzj0EAwIw
    GzEZMBcGA1UEAwwQdHVybnBpa2UgdGVzdCBDQTAgFw0yNjExMjExNTI1NDZaGA8y
    MTI2MTAyODE1MjU0NlowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49
    AgEGCCqGSM49AwEHA0IABMxwzArOnjg8SnZROfd8r6QJOx1GbRbAMGzIS/aHfiKg
    EQv19DmcoRIuTbS6zjMrtMB9glHCzj/CDhXVf6K7+qWjXjBcMBoGA1UdEQQTMBGC
    CWxvY2FsaG9zdIcEfwAAATAdBgNVHQ4EFgQUrNz0Kiq4vBQeMtegvyvvkGsmD94w
    HwYDVR0jBBgwFoAU9pU4RuTDsubH+JbXdwf6yD47txQwCgYIKoZIzj0EAwIDRwAw
    RAIgMQhww24sNMpBAkMu8bIAPSr+a/uaJI7Kn7sqSXvww/ECIGLuzaMjD44pZJGI
    6bRqoQkeQtMWQLSONEtDmX2WfAIq
    -----END CERTIFICATE-----
    """

  package static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg59xkVa+fCDOf+srg
    hPTF0e5k8/BfpLMa4LY2eI8r0iqhRANCAATMcMwKzp44PEp2UTn3fK+kCTsdRm0W
    wDBsyEv2h34ioBEL9fQ5nKESLk20us4zK7TAfYJRws4/wg4V1X+iu/ql
    -----END PRIVATE KEY-----
    """

  package static let clientChain = """
    -----BEGIN CERTIFICATE-----
    MIIBKjCB0QIUTOTjHbnOeL6/nmS8DWZTKjqJ32cwCgYIKoZIzj0EAwIwGzEZMBcG
    A1UEAwwQdHVybnBpa2UgdGVzdCBDQTAgFw0yNjExMjExNTI1NDdaGA8yMTI2MTAy
    ODE1MjU0N1owEzERMA8GA1UEAwwIb3BlcmF0b3IwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAARF2xgKs7C/yc/koPOoTx+/NUNz4nPrxXyaRURxLlGh1mufvU1lNCFZ
    c0uAWKPm7IwbjJ26i9EflY60yhpbqOVvMAoGCCqGSM49BAMCA0gAMEUCIQDTXSlf
    v1Cq4++vyy7zXM4HwA6qHpPwLFS8b99PvxUxfwIgVxkhX4KObwRm2vwbxR0lQ3EX
    uBCGZtRmE9GR6mXtTtA=
    -----END CERTIFICATE-----
    """

  package static let clientKey = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgI1yK2jP8ggNHMAbu
    0HHMjQpE+1ocnTx+vhQVX1JbqW6hRANCAARF2xgKs7C/yc/koPOoTx+/NUNz4nPr
    xXyaRURxLlGh1mufvU1lNCFZc0uAWKPm7IwbjJ26i9EflY60yhpbqOVv
    -----END PRIVATE KEY-----
    """
}
