/// Made by `ssh-keygen` for these tests; nobody has their private halves. Those with a security key and the broken
/// ones are the same points in other frames.
enum SampleKeys {
  static let ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHLDR5wKcozserA5u8M46aZ+qP4hsvSO7etL16xynIBJ"
  static let nistp256 =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIDd1UFhaIHU"
    + "icik/UoJYtKFL1PGvTXA03qEMMZrdRIG/AWZqPTaTf4mHVdQAKiqazfYUQEzgfGuL2m2a2Ky9Ks="
  static let nistp384 =
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBKMjjFp9QkLl"
    + "3Fq0T+SYOQc2fnHVygcfv9H94n2JvbRK2Z0bFdxpY46OB67fQsV59Ztqz5n84vJNH/4OWwBJBIQ0utm9qrrI"
    + "/u+jc4bu2bvB7m9gOJRVQbBEbkFUDbRWTA=="
  static let nistp521 =
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAGzUtvm8lO2"
    + "wavBSbT1pe3rMszZb42gQ2DCQbtUQ+01g1YNwRE113I7HXvJBpLmzJ/NtJp9rsnjuxCbbEsoYeSk4AGRv5Dh"
    + "3DqfwSNXVIJmFUYs8O0eEINNxBOcWnVbSo3RZMcFUyNifeLb09jvjiNYlUeKkWMnH6Ec00GQUcdeaKEmZA=="
  static let rsa2048 =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDGZokcOVbM9kfb5dendN7gzTdSV//uyLGP34FjIlog0P36"
    + "JARowdamcM1ekzegguGdiSs1WhToWxtVUyTWI8UL5qj09Wt7kM05t+wmN4MxD/2WOb3V7GExnI9c1PdF6BiM"
    + "6JhWnpyM6l5lnqfnjZ5h9oecs3iJ7DSxfCF9WQUHNpUsBfKgCUt7apsJtIw2T+yX+qTokNVEpw9GLcFiAG5u"
    + "+5SZ2s9QjLoIpOuyhvigSa0qzVJCeO80D6e4WSW9eRGs9Z9o6q1Et8MkAINZmJDGNhYxSGi6zlPukr16/UwP"
    + "yLoZjcdTFuY0L/vE/B2ZQMnt24muV97rrWkpeBk6EH8X"
  static let securityEd25519 =
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIHLDR5wKcozse"
    + "rA5u8M46aZ+qP4hsvSO7etL16xynIBJAAAABHNzaDo="
  static let securityNistp256 =
    "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb"
    + "20AAAAIbmlzdHAyNTYAAABBBIDd1UFhaIHUicik/UoJYtKFL1PGvTXA03qEMMZrdRIG/AWZqPTaTf4mHVdQA"
    + "KiqazfYUQEzgfGuL2m2a2Ky9KsAAAAEc3NoOg=="
  static let rsa1024 =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDptnoMiHognJ8p79j/8Bo8Hh5N5HWxUpMHsL/yAyJfGpUb"
    + "Y+DKzPfMLaXMt/vPzi7/smYflLAy4q+n1AoxGa+aJveuBgA8q9GM9aazKae+uMQOkMlgXlcdl1WMQfH73Qkl"
    + "rgJR7EuyO3gKz9ufvHLa4evu12AicoTRvSxXDIC6Uw=="
  static let dsa =
    "ssh-dss AAAAB3NzaC1kc3MAAACBAOACyzcgaNjGkAB1S4OcbtiWNzBOmJESUaTqUOpTly1REQSjwj0wdmBM"
    + "oW3vsZFYKD54lRH4KMnY7Wf55r63qoy+beM+DAun6ZhOB0L2qTeCqLNVhlArKElA7fWa2lICY2/JB4Hunnsc"
    + "rStTIxFMvspTD4Ol7NnHUeyU4gmBPzyXAAAAFQCHItdsksLqmuR/V1a/TZaEKDVozwAAAIEAihIUY2Tvy3md"
    + "BfG0++3xb2X9cLIfgmkdOtvbX1itx+l64eek4EigTGM36TiQv7QgANwqU2Os5H4eQ9Bd7PODrsPzGlI2S1rN"
    + "fyJX7EDJQla4iaBxXV3+SsLaOF69EOhTHcyytvuL/7kUfXuBqKEaZQVDWi1xd6f7GObday1lspkAAACAGDA3"
    + "7hxoL0uVXtkCjar6JETZUNCZU+YRcY6QmAhz8hmEzeYw33HI6PJtETXMo3tFkMCqTv+P5UbnSyPDOfYaNo+S"
    + "XykkFlDOg1+DX5oyZUzBWaIN9tvmF0fub3NLr8rSBJTXrtLkoB2Tvk2LQPHzi76aLAH0m3pUsNOM5bAP1F0="
  static let withTrailingByte =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHLDR5wKcozserA5u8M46aZ+qP4hsvSO7etL16xynIBJAA=="
  static let tooShort = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHLDR5wKcozserA5u8M46aZ+qP4hsvSO7etL16xynIA="
  static let ofAnotherType =
    "ssh-ed25519 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIDd1UFhaIHUicik/UoJ"
    + "YtKFL1PGvTXA03qEMMZrdRIG/AWZqPTaTf4mHVdQAKiqazfYUQEzgfGuL2m2a2Ky9Ks="
  static let ed25519Fingerprint = "SHA256:ooOWbgDD8D0evXCfv3HQyzmJxepI0vgSrDGljitO+CY"
}
