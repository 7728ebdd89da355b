/// What a mint knows of a proof by its `Y` (NUT-07). It says nothing about the signature: a forged proof is
/// unspent.
package enum ProofState: String, Sendable {
  case unspent = "UNSPENT"
  case pending = "PENDING"
  case spent = "SPENT"
}
