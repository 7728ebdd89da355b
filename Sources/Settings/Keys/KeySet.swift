/// The keys a mapping may hold: an enum of its words.
protocol KeySet: CaseIterable, Hashable, RawRepresentable<String>, Sendable {}
