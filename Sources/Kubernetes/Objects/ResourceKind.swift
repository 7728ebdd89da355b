/// A kind's names in the API.
package struct ResourceKind: Hashable, Sendable {
  /// Empty for the core group.
  package var group: String
  package var version: String
  package var kind: String
  package var plural: String
  package var isNamespaced: Bool

  package init(
    group: String = "", version: String = "v1", kind: String, plural: String, isNamespaced: Bool = true
  ) {
    self.group = group
    self.version = version
    self.kind = kind
    self.plural = plural
    self.isNamespaced = isNamespaced
  }

  package var apiVersion: String { self.group.isEmpty ? self.version : "\(self.group)/\(self.version)" }
}
