/// What the cashier does while nobody waits: recovery, revocations, and the book-keeping of answers that went out.
extension Cashier {
  func recoverOnTimer() async {
    while !Task.isCancelled {
      do throws(Outage) {
        let due = try await self.ledger.due(limit: Self.recoveriesPerRound)
        await withDiscardingTaskGroup { group in
          for payment in due { group.addTask { await self.recover(payment) } }
        }
      } catch {
        self.observer.failed(.recovery, error, payment: nil)
      }
      try? await self.sleeper.sleep(for: Self.recoveryInterval)
    }
  }

  private func recover(_ due: DuePayment) async {
    do throws(Outage) {
      _ = try await self.resume(due)
    } catch {
      self.observer.failed(.recovery, error, payment: due.payment)
    }
  }

  func resume(_ due: DuePayment) async throws(Outage) -> PaymentStanding {
    switch try await self.ledger.resume(due.payment) {
    case .standing(let standing): return standing
    case .resumed(let resumption):
      let plan = resumption.plan
      let claim = resumption.take()
      let term = claim.term
      guard let verifier = self.verifiers[due.method] else {
        // Taken up all the same: left as they are, a round's worth of these would be the oldest for ever.
        let outage = Outage(
          .outage, "no \(due.method) is configured to recover this payment", payment: due.payment)
        _ = try await self.conclude(term, plan.progress == .notSent ? .notSent(outage) : .unknown(outage))
        throw outage
      }
      let settlement = await verifier.recover(plan, under: claim)
      self.observer.recovered(due.payment, due.method, settlement)
      return try await self.conclude(term, settlement)
    }
  }

  func refreshRevocations() async {
    while !Task.isCancelled {
      await self.readRevocations()
      try? await self.sleeper.sleep(for: Revocations.refreshInterval)
    }
  }

  /// Reads what was revoked: until that was done once, a time pass is an outage.
  public func readRevocations() async {
    do throws(Outage) {
      // As old as the question: what was revoked while the answer was on its way may not be in it.
      let asked = self.clock.now()
      let serials = try await self.ledger.revocations(limit: Revocations.capacity + 1)
      self.revocations.load(serials, at: asked)
    } catch {
      self.observer.failed(.revocations, error, payment: nil)
    }
  }

  func writeDownDeliveries() async {
    await withDiscardingTaskGroup { group in
      for await (use, delivery) in self.reports {
        group.addTask {
          do throws(Outage) {
            try await self.ledger.report(use, delivery)
          } catch {
            self.observer.failed(.delivery, error, payment: nil)
          }
        }
      }
    }
  }
}
