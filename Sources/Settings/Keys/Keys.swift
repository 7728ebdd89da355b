// The words of the configuration file, one enum for each mapping; `docs/configuration.md` explains each of them.

enum RootKey: String, KeySet {
  case listen, tls, `public`, keys, store, deadline, proxies, trust, nginx, paygress, payments, price, routes
  case `default`, unpaid, passes, log
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

enum PublicKey: String, KeySet {
  case url, clientAddress
}

/// `{ requests, per }`: so many in a window.
enum RequestLimitKey: String, KeySet {
  case requests, per
}

/// Where a secret is, if not in the file itself.
enum SecretKey: String, KeySet {
  case env, file
}

enum PaymentsKey: String, KeySet {
  case cashu
  case x402
}

enum CashuKey: String, KeySet {
  case unit, mints, offline, redeem, lightning, payout, maxFeePercent, maxProofs, requestsPerMinute
  case perAddressPerMinute, timeout
}

enum RedeemKey: String, KeySet {
  case proofs, every
}

enum LightningKey: String, KeySet {
  case mint
}

enum PayoutKey: String, KeySet {
  case above, keep, to, maxFeePercent
}

enum X402Key: String, KeySet {
  case facilitator, payTo, accept, versions
}

enum FacilitatorKey: String, KeySet {
  case url, networks, authorization, timeout
}

enum AcceptKey: String, KeySet {
  case network, asset, payTo, rpc, transfer, maxTimeout
}

enum AssetKey: String, KeySet {
  case address, name, version, decimals, symbol
}

enum MintKey: String, KeySet {
  case url, exposure
}

enum RouteKey: String, KeySet {
  case id, path, host, hosts, method, methods, tier, access, price, pass, free, cors, covers
  case provision
}

enum PriceKey: String, KeySet {
  case sat, msat, usd, eur, satPerHour, usdPerHour, minimum
}

enum PassKey: String, KeySet {
  case uses, duration
}

enum CORSKey: String, KeySet {
  case origins
}

enum PassesKey: String, KeySet {
  case timeLeft
}

enum WorkloadsKey: String, KeySet {
  case backend, ports, listen, host, directory, max, username, kubernetes, admin
  case cpu, memory, processes, disk, network, images, specs
}

enum SpecKey: String, KeySet {
  case name, cpu, memory, processes, disk, network, images
}

enum ClusterKey: String, KeySet {
  case namespace, kubeconfig, image, priorityClass, runtimeClass
}

enum LogKey: String, KeySet {
  case level, format
}
