package import JSON

/// Typed calls to one cluster's API. Holds connections: `shutdown()` when nothing is called any more.
package struct KubernetesClient: Sendable {
  /// Starts again of a list whose `continue` token went stale.
  private static let maxListRestarts = 3

  package let namespace: String
  let connection: APIConnection
  let limits: KubernetesLimits

  package init(
    _ access: ClusterAccess, limits: KubernetesLimits = KubernetesLimits()
  ) throws(ClusterAccessFault) {
    self.namespace = access.namespace
    self.limits = limits
    self.connection = try APIConnection(access, limits)
  }

  package func shutdown() async { await self.connection.shutdown() }

  package func get<Object: KubernetesObject>(
    _: Object.Type, _ name: String, in namespace: String? = nil
  ) async throws(KubernetesFault) -> Object {
    try await self.object(APICall(.get, Object.kind, in: self.place(Object.self, namespace), name: name))
  }

  /// A dry run goes through admission, quota and validation, and stores nothing.
  package func create<Object: KubernetesObject>(
    _ object: Object, dryRun: Bool = false
  ) async throws(KubernetesFault) -> Object {
    let place = self.place(Object.self, object.metadata.namespace)
    var call = APICall(.post(JSONWriter.write(object.json)), Object.kind, in: place)
    call.query.append(("fieldManager", "turnpike"))
    if dryRun { call.query.append(("dryRun", "All")) }
    return try await self.object(call)
  }

  /// RFC 7386: members of `changes` replace, `null` removes. Never a strategic merge, which few kinds know.
  package func patch<Object: KubernetesObject>(
    _: Object.Type, _ name: String, in namespace: String? = nil, merging changes: JSON
  ) async throws(KubernetesFault) -> Object {
    let place = self.place(Object.self, namespace)
    var call = APICall(.mergePatch(JSONWriter.write(changes)), Object.kind, in: place, name: name)
    call.query.append(("fieldManager", "turnpike"))
    return try await self.object(call)
  }

  /// What becomes of the objects that an object owns.
  package enum Propagation: String, Sendable {
    /// It goes at once, they follow.
    case background = "Background"
    /// It goes after them.
    case foreground = "Foreground"
    case orphan = "Orphan"
  }

  /// Returns when the server has taken it on; the object may stay until its processes have ended. With a
  /// `uid`, another object of the same name is a ``KubernetesFault/conflict(_:)``.
  package func delete<Object: KubernetesObject>(
    _: Object.Type, _ name: String, in namespace: String? = nil, uid: String? = nil,
    propagation: Propagation = .background, graceSeconds: Int? = nil
  ) async throws(KubernetesFault) {
    let options = JSON.record([
      "apiVersion": .string("v1"), "kind": .string("DeleteOptions"),
      "propagationPolicy": .string(propagation.rawValue),
      "gracePeriodSeconds": graceSeconds.map { .integer($0) },
      "preconditions": uid.map { .record(["uid": .string($0)]) },
    ])
    let place = self.place(Object.self, namespace)
    let answer = try await self.connection.send(
      APICall(.delete(JSONWriter.write(options)), Object.kind, in: place, name: name))
    guard 200..<300 ~= answer.status else { throw self.fault(answer) }
  }

  /// All of them, in pages; the server's own state at one moment, and where a watch goes on from.
  package func list<Object: KubernetesObject>(
    _: Object.Type, in namespace: String? = nil, _ selector: Selector = Selector(), limit: Int = .max
  ) async throws(KubernetesFault) -> ObjectList<Object> {
    var restarts = 0
    while true {
      do throws(KubernetesFault) {
        return try await self.pages(
          Object.self, in: self.place(Object.self, namespace), selector, limit: limit)
      } catch {
        guard case .expired = error, restarts < Self.maxListRestarts else { throw error }
        restarts += 1
      }
    }
  }

  private func pages<Object: KubernetesObject>(
    _: Object.Type, in namespace: String?, _ selector: Selector, limit: Int
  ) async throws(KubernetesFault) -> ObjectList<Object> {
    var list = ObjectList<Object>(items: [], resourceVersion: "")
    var token = ""
    repeat {
      var call = APICall(.get, Object.kind, in: namespace)
      call.query = selector.query + [("limit", String(min(self.limits.pageSize, limit)))]
      if !token.isEmpty { call.query.append(("continue", token)) }
      let json = try await self.answer(call)
      do throws(Misread) {
        for item in json["items"]?.array ?? [] { list.items.append(try Object(reading: item)) }
      } catch {
        throw .malformed("\(Object.kind.plural): \(error.member)")
      }
      list.resourceVersion = json["metadata"]?["resourceVersion"]?.string ?? ""
      token = json["metadata"]?["continue"]?.string ?? ""
    } while !token.isEmpty && list.items.count < limit
    return list
  }

  private func object<Object: KubernetesObject>(_ call: APICall) async throws(KubernetesFault) -> Object {
    let json = try await self.answer(call)
    do throws(Misread) { return try Object(reading: json) } catch {
      throw .malformed("\(Object.kind.kind): \(error.member)")
    }
  }

  private func answer(_ call: APICall) async throws(KubernetesFault) -> JSON {
    let answer = try await self.connection.send(call)
    guard 200..<300 ~= answer.status else { throw self.fault(answer) }
    do { return try JSONReader.read(answer.body, bounds: .kubernetes) } catch {
      throw .malformed("no JSON of bounded size")
    }
  }

  private func fault(_ answer: APIConnection.Answer) -> KubernetesFault {
    KubernetesFault(Status(code: answer.status, body: answer.body), retryAfter: answer.retryAfter)
  }

  func place<Object: KubernetesObject>(_: Object.Type, _ namespace: String?) -> String? {
    Object.kind.isNamespaced ? namespace ?? self.namespace : nil
  }
}

package struct ObjectList<Object: KubernetesObject>: Sendable, Equatable {
  package var items: [Object]
  package var resourceVersion: String

  package init(items: [Object], resourceVersion: String) {
    self.items = items
    self.resourceVersion = resourceVersion
  }
}
