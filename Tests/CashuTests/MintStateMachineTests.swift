@testable import Cashu
import Outbound
import Testing

@Suite("What to do about the ecash of a paid quote")
struct MintStateMachineTests {
  typealias Event = MintStateMachine.Event

  struct Course: Sendable, CustomTestStringConvertible {
    var title: String
    var start: MintStateMachine.Start = .fresh
    var events: [Event]
    var actions: [String]
    var testDescription: String { self.title }
  }

  static func courses() -> [Course] {
    [
      Course(title: "an answer is the end", events: [.minted([])], actions: ["post joined", "minted"]),
      Course(title: "no connection", events: [.silent(.notSent)], actions: ["post joined", "not sent"]),
      Course(
        title: "a mint that wants the other form of the signature gets it",
        events: [.refused(.other(code: 20008)), .quote(.paid), .restored(.nothing), .minted([])],
        actions: ["post joined", "quote", "restore", "post framed", "minted"]),
      Course(
        title: "a lost answer of ecash that was issued to us",
        events: [.silent(.timedOut), .quote(.issued), .restored(.all([]))],
        actions: ["post joined", "quote", "restore", "minted"]),
      Course(
        title: "a lost call that did not happen is sent again",
        events: [.silent(.timedOut), .quote(.paid), .restored(.nothing), .minted([])],
        actions: ["post joined", "quote", "restore", "post joined", "minted"]),
      Course(
        title: "issued, and nothing of ours signed: somebody else took it", start: .maybeSent,
        events: [.quote(.issued), .restored(.nothing)], actions: ["quote", "restore", "taken"]),
      Course(
        title: "outputs signed for a quote that is still not issued are of an earlier life",
        start: .maybeSent,
        events: [.quote(.paid), .restored(.all([])), .quote(.paid), .restored(.all([]))],
        actions: ["quote", "restore", "quote", "restore", "void"]),
      Course(
        title: "a call that ends between the two questions is ours", start: .maybeSent,
        events: [.quote(.paid), .restored(.all([])), .quote(.issued), .restored(.all([]))],
        actions: ["quote", "restore", "quote", "restore", "minted"]),
      Course(
        title: "numbers that were used before are not used again",
        events: [.refused(.alreadySigned), .quote(.paid), .restored(.nothing)],
        actions: ["post joined", "quote", "restore", "void"]),
      Course(
        title: "a part of the outputs is for a person to look at", start: .maybeSent,
        events: [.quote(.issued), .restored(.part)], actions: ["quote", "restore", "held"]),
      Course(
        title: "an invoice that turns out unpaid buys nothing",
        events: [.refused(.other(code: 20001)), .quote(.unpaid)],
        actions: ["post joined", "quote", "void"]),
      Course(
        title: "a mint that dies says nothing", events: [.silent(.disconnected), .quoteFailed],
        actions: ["post joined", "quote", "unknown"]),
      Course(
        title: "a mint that dies before the restore says nothing", start: .maybeSent,
        events: [.quote(.issued), .restoreFailed], actions: ["quote", "restore", "unknown"]),
    ]
  }

  @Test("each course of events ends as the rules say", arguments: Self.courses())
  func course(_ course: Course) {
    var machine = MintStateMachine(course.start)
    var actions = [Self.name(machine.begin())]
    for event in course.events { actions.append(Self.name(machine.handle(event))) }
    #expect(actions == course.actions)
  }

  @Test("a mint that refuses every form for ever leaves the quote as it was")
  func stubborn() {
    var machine = MintStateMachine(.fresh)
    var action = machine.begin()
    var posts = 0
    while case .post = action {
      posts += 1
      _ = machine.handle(.refused(.other(code: nil)))
      _ = machine.handle(.quote(.paid))
      action = machine.handle(.restored(.nothing))
    }
    #expect(posts == 3)
    #expect(action == .finish(.void))
  }

  static func name(_ action: MintStateMachine.Action) -> String {
    switch action {
    case .post(let form): "post \(form)"
    case .askQuote: "quote"
    case .askRestore: "restore"
    case .finish(.minted): "minted"
    case .finish(.taken): "taken"
    case .finish(.void): "void"
    case .finish(.notSent): "not sent"
    case .finish(.held): "held"
    case .finish(.unknown): "unknown"
    }
  }
}
