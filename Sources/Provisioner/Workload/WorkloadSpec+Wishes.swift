package import Gate

extension WorkloadSpec {
  /// What of these wishes cannot be had; nil where all can.
  package func fault(in wishes: WorkloadWishes) -> WishFault? {
    if let username = wishes.username, Username(username) == nil { return .username }
    if let key = wishes.publicKey, AuthorizedKey(key) == nil { return .publicKey }
    if let image = wishes.image, !self.images.contains(image) { return .image }
    return nil
  }

  /// What of these wishes can be had, the key in its one form, so that two spellings of it are one wish.
  ///
  /// Whoever has paid gets a machine: ``fault(in:)`` is for before.
  package func canonical(_ wishes: WorkloadWishes) -> WorkloadWishes {
    WorkloadWishes(
      username: wishes.username.flatMap { Username($0)?.text },
      publicKey: wishes.publicKey.flatMap { AuthorizedKey($0)?.text },
      image: wishes.image.flatMap { self.images.contains($0) ? $0 : nil },
      duration: wishes.duration)
  }
}
