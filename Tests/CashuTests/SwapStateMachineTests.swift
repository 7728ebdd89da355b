@testable import Cashu
import Outbound
import Testing

@Suite("What to do about a swap")
struct SwapStateMachineTests {
  typealias Event = SwapStateMachine.Event

  /// A course of events and the actions that must follow, the first one before any event.
  struct Course: Sendable, CustomTestStringConvertible {
    var title: String
    var start: SwapStateMachine.Start = .fresh
    var inputs = 2
    var events: [Event]
    var actions: [String]
    var testDescription: String { self.title }
  }

  static func courses() -> [Course] {
    let all = SwapStateMachine.Restored.all([])
    return [
      Course(title: "an answer settles", events: [.swapped([])], actions: ["post", "settled"]),
      Course(
        title: "a first refusal as spent is the whole answer, though not which of several inputs",
        events: [.swapRefused(.spent)], actions: ["post", "spent []"]
      ),
      Course(
        title: "a first refusal as spent of the only input is the whole answer", inputs: 1,
        events: [.swapRefused(.spent)], actions: ["post", "spent [0]"]
      ),
      Course(
        title: "a refusal of unspent inputs is final",
        events: [.swapRefused(.other(code: 11000)), .states([.unspent, .unspent])],
        actions: ["post", "states", "refused"]
      ),
      Course(
        title: "any refusal of inputs that turn out spent, and nothing signed, is that",
        events: [
          .swapRefused(.other(code: nil)), .states([.spent, .spent]), .restored(.nothing),
          .states([.spent, .spent]),
        ],
        actions: ["post", "states", "restore", "states", "spent [0, 1]"]
      ),
      Course(
        title: "a mint that fails after the act, and says no, has given us the money",
        events: [
          .swapRefused(.other(code: 0)), .states([.spent, .spent]), .restored(all),
          .states([.spent, .spent]),
        ],
        actions: ["post", "states", "restore", "states", "settled"]
      ),
      Course(
        title: "a mint that dies before it tells whose outputs it signed leaves it unknown",
        events: [.swapRefused(.other(code: 0)), .states([.spent, .spent]), .restoreFailed],
        actions: ["post", "states", "restore", "unknown"]
      ),
      Course(
        title: "a lost call may come through after its repetition was refused: a later run decides",
        events: [
          .swapSilent(.timedOut), .restored(.nothing), .states([.unspent, .unspent]),
          .swapRefused(.other(code: 0)), .restored(.nothing), .states([.unspent, .unspent]),
        ],
        actions: ["post", "restore", "states", "post", "restore", "states", "unknown"]
      ),
      Course(
        title: "a later run believes the refusal", start: .maybeSent,
        events: [
          .restored(.nothing), .states([.unspent, .unspent]), .swapRefused(.other(code: 0)),
          .restored(.nothing), .states([.unspent, .unspent]),
        ],
        actions: ["restore", "states", "post", "restore", "states", "refused"]
      ),
      Course(
        title: "after a lost call a code that says spent about unspent inputs is not believed",
        events: [
          .swapSilent(.timedOut), .restored(.nothing), .states([.unspent, .unspent]), .swapRefused(.spent),
          .restored(.nothing), .states([.unspent, .unspent]),
        ],
        actions: ["post", "restore", "states", "post", "restore", "states", "unknown"]
      ),
      Course(
        title: "inputs in use by somebody else leave the payment with the payer",
        events: [.swapRefused(.pending)], actions: ["post", "void"]
      ),
      Course(
        title: "outputs signed before, on a first call, are of an earlier life: the payer keeps the payment",
        events: [.swapRefused(.alreadySigned)], actions: ["post", "void"]
      ),
      Course(
        title: "a keyset that is out of use voids the plan", events: [.swapRefused(.keyset)],
        actions: ["post", "void"]
      ),
      Course(
        title: "too many calls before anything was sent", events: [.throttled(retryAfterSeconds: 3)],
        actions: ["post", "void"]
      ),
      Course(title: "no connection", events: [.swapSilent(.notSent)], actions: ["post", "void"]),
      Course(
        title: "a lost answer whose swap happened",
        events: [.swapSilent(.timedOut), .restored(all), .states([.spent, .spent])],
        actions: ["post", "restore", "states", "settled"]
      ),
      Course(
        title: "a lost call that did not happen is sent again, the same",
        events: [
          .swapSilent(.disconnected), .restored(.nothing), .states([.unspent, .unspent]), .swapped([]),
        ],
        actions: ["post", "restore", "states", "post", "settled"]
      ),
      Course(
        title: "lost twice is left to the back-off of recovery",
        events: [
          .swapSilent(.timedOut), .restored(.nothing), .states([.unspent, .unspent]),
          .swapSilent(.timedOut),
          .restored(.nothing), .states([.unspent, .unspent]),
        ],
        actions: ["post", "restore", "states", "post", "restore", "states", "unknown"]
      ),
      Course(
        title:
          "signed outputs for unspent inputs are of another swap, once the mint says so to the same bytes",
        start: .maybeSent,
        events: [
          .restored(all), .states([.unspent, .unspent]), .swapRefused(.alreadySigned),
          .restored(all), .states([.unspent, .unspent]),
        ],
        actions: ["restore", "states", "post", "restore", "states", "void"]
      ),
      Course(
        title: "signed outputs for unspent inputs, and another reason than that, are left to the next run",
        start: .maybeSent,
        events: [
          .restored(all), .states([.unspent, .unspent]), .swapRefused(.pending), .restored(all),
          .states([.unspent, .unspent]),
        ],
        actions: ["restore", "states", "post", "restore", "states", "unknown"]
      ),
      Course(
        title: "signed outputs whose inputs are not yet seen spent may be our own call, still under way",
        events: [
          .swapSilent(.timedOut), .restored(all), .states([.unspent, .unspent]), .swapRefused(.spent),
          .restored(all), .states([.spent, .spent]),
        ],
        actions: ["post", "restore", "states", "post", "restore", "states", "settled"]
      ),
      Course(
        title: "spent inputs and nothing signed, twice, after a lost call: the payer was faster",
        events: [
          .swapSilent(.garbage(status: 502)), .restored(.nothing), .states([.spent, .unspent]),
          .restored(.nothing), .states([.spent, .unspent]),
        ],
        actions: ["post", "restore", "states", "restore", "states", "spent [0]"]
      ),
      Course(
        title: "a swap that ends between the two questions is ours", start: .maybeSent,
        events: [
          .restored(.nothing), .states([.spent, .spent]), .restored(all), .states([.spent, .spent]),
        ],
        actions: ["restore", "states", "restore", "states", "settled"]
      ),
      Course(
        title: "a lost call whose inputs are pending",
        events: [.swapSilent(.disconnected), .restored(.nothing), .states([.pending, .pending])],
        actions: ["post", "restore", "states", "held"]
      ),
      Course(
        title: "a part of the outputs of a swap that happened is asked for again, in the end by a person",
        events: [.swapSilent(.timedOut), .restored(.part), .states([.spent, .spent])],
        actions: ["post", "restore", "states", "held"]
      ),
      Course(
        title: "signatures that are not valid are no answer: the valid ones are asked for",
        events: [.swapSilent(.garbage(status: 200)), .restored(all), .states([.spent, .spent])],
        actions: ["post", "restore", "states", "settled"]
      ),
      Course(
        title: "restored signatures that are not valid, for spent inputs, are asked for again",
        events: [.swapSilent(.timedOut), .restored(.invalid), .states([.spent, .spent])],
        actions: ["post", "restore", "states", "held"]
      ),
      Course(
        title: "restored signatures that are not valid, for unspent inputs, say nothing",
        events: [.swapSilent(.timedOut), .restored(.invalid), .states([.unspent, .unspent])],
        actions: ["post", "restore", "states", "unknown"]
      ),
      Course(
        title: "a keyset that went out of use after a lost call voids the plan for good", start: .maybeSent,
        events: [
          .restored(.nothing), .states([.unspent, .unspent]), .swapRefused(.keyset), .restored(.nothing),
          .states([.unspent, .unspent]),
        ],
        actions: ["restore", "states", "post", "restore", "states", "void"]
      ),
      Course(
        title: "a mint that dies before it can be asked", events: [.swapSilent(.timedOut), .restoreFailed],
        actions: ["post", "restore", "unknown"]
      ),
      Course(
        title: "a mint that dies after the restore",
        events: [.swapSilent(.timedOut), .restored(all), .statesFailed],
        actions: ["post", "restore", "states", "unknown"]
      ),
      Course(
        title: "a mint that dies after a first refusal has still done nothing",
        events: [.swapRefused(.other(code: 0)), .statesFailed], actions: ["post", "states", "void"]
      ),
      Course(
        title: "recovery asks before it sends", start: .maybeSent,
        events: [.restored(.nothing), .states([.unspent, .unspent]), .swapped([])],
        actions: ["restore", "states", "post", "settled"]
      ),
      Course(
        title: "recovery whose repetition is refused as spent finds its own outputs", start: .maybeSent,
        events: [
          .restored(.nothing), .states([.unspent, .unspent]), .swapRefused(.spent), .restored(all),
          .states([.spent, .spent]),
        ],
        actions: ["restore", "states", "post", "restore", "states", "settled"]
      ),
      Course(
        title: "no connection during recovery leaves it unknown", start: .maybeSent,
        events: [.restored(.nothing), .states([.unspent, .unspent]), .swapSilent(.notSent)],
        actions: ["restore", "states", "post", "unknown"]
      ),
      Course(
        title: "too many calls during recovery leave it unknown", start: .maybeSent,
        events: [.restored(.nothing), .states([.unspent, .unspent]), .throttled(retryAfterSeconds: nil)],
        actions: ["restore", "states", "post", "unknown"]
      ),
    ]
  }

  @Test("each course of events ends as the rules say")
  func course() {
    for course in Self.courses() {
      var machine = SwapStateMachine(course.start, inputCount: course.inputs)
      var actions = [Self.name(machine.begin())]
      for event in course.events { actions.append(Self.name(machine.handle(event))) }
      #expect(actions == course.actions, "\(course.title)")
    }
  }

  static func name(_ action: SwapStateMachine.Action) -> String {
    switch action {
    case .postSwap: "post"
    case .askRestore: "restore"
    case .askStates: "states"
    case .finish(.settled): "settled"
    case .finish(.spent(let indices)): "spent \(indices)"
    case .finish(.refused): "refused"
    case .finish(.void): "void"
    case .finish(.held): "held"
    case .finish(.unknown): "unknown"
    }
  }
}
