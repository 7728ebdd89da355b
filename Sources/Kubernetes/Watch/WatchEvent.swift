internal import JSON

/// One line of a watch (`metav1.WatchEvent`).
package enum WatchEvent<Object: KubernetesObject>: Sendable, Equatable {
  case added(Object)
  case modified(Object)
  /// As it last was.
  case deleted(Object)
  /// Nothing happened up to here; a watch may go on from this version.
  case bookmark(resourceVersion: String)
  case failed(KubernetesFault)
  /// Of a type that we do not know.
  case other

  init(line: [UInt8]) throws(KubernetesFault) {
    let json: JSON
    do { json = try JSONReader.read(line, bounds: .kubernetes) } catch {
      throw .malformed("a watch event is no JSON of bounded size")
    }
    guard let object = json["object"] else { throw .malformed("a watch event without an object") }
    do throws(Misread) {
      switch json["type"]?.string {
      case "ADDED": self = .added(try Object(reading: object))
      case "MODIFIED": self = .modified(try Object(reading: object))
      case "DELETED": self = .deleted(try Object(reading: object))
      case "BOOKMARK":
        guard let version = object["metadata"]?["resourceVersion"]?.string else {
          throw Misread(member: "metadata.resourceVersion")
        }
        self = .bookmark(resourceVersion: version)
      case "ERROR":
        self = .failed(KubernetesFault(Status(reading: object), retryAfter: nil))
      default: self = .other
      }
    } catch {
      throw .malformed("a watch event: \(error.member)")
    }
  }
}
