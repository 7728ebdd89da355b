internal import FuzzParsers
private import Glibc

/// The parser of this run, named by `TURNPIKE_FUZZ`; `run` sets it.
private let parser: FuzzParser = {
  guard let name = unsafe getenv("TURNPIKE_FUZZ"),
    let parser = FuzzParser(rawValue: unsafe String(cString: name))
  else { preconditionFailure("TURNPIKE_FUZZ names no parser") }
  return parser
}()

/// libFuzzer's entry (https://llvm.org/docs/LibFuzzer.html#fuzz-target).
@c(LLVMFuzzerTestOneInput)
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  parser.read(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
