// The words of the configuration file, one enum for each mapping; `docs/configuration.md` explains each of them.

enum RootKey: String, KeySet {
  case listen, tls, keys, store, deadline, proxies, trust, nginx, paygress, payments, routes, `default`, log
  case workloads
}

enum ListenKey: String, KeySet {
  case proxy, grpc, `public`, admin
  case gateway, session
}

enum TLSListenerKey: String, KeySet {
  case proxy, grpc, `public`, admin
}

enum TLSKey: String, KeySet {
  case cert, key, clientCA
}

enum ProxyKey: String, KeySet {
  case name, secret, secretFile, cidr
}

enum NginxKey: String, KeySet {
  case repeats, accelLocation
}

enum PaygressKey: String, KeySet {
  case proxy
}

enum PaymentsKey: String, KeySet {
  case cashu
  case x402
}

enum CashuKey: String, KeySet {
  case unit, mints, offline, maxFeePercent, maxProofs, requestsPerMinute, perAddressPerMinute, timeout
}

enum MintKey: String, KeySet {
  case url, exposure
}

enum RouteKey: String, KeySet {
  case id, path, host, hosts, method, methods, tier, access, price, pass, cors, covers
  case provision
}

enum PriceKey: String, KeySet {
  case sat, msat, usd, eur, satPerHour
}

enum PassKey: String, KeySet {
  case uses, duration
}

enum CORSKey: String, KeySet {
  case origins
}

enum LogKey: String, KeySet {
  case level, format
}
