internal import Octets

/// What all our pages have in common: one column, one style, one small script, nothing from anywhere else.
package struct PageFrame: Sendable {
  package var title: String
  /// HTML.
  package var body: String
  /// The page loads itself again after so many seconds; nil for a page that stays.
  package var refreshSeconds: Int?
  /// Where its forms may go: an origin, or nil for nowhere.
  package var formTarget: String?

  package init(title: String, body: String, refreshSeconds: Int? = nil, formTarget: String? = nil) {
    self.title = title
    self.body = body
    self.refreshSeconds = refreshSeconds
    self.formTarget = formTarget
  }

  /// The page, and the value of its `Content-Security-Policy`; only what carries its nonce runs.
  package func write() -> (html: String, policy: String) {
    var random = SystemRandomNumberGenerator()
    let nonce = Base64.encodeURL(random.next().bigEndianBytes + random.next().bigEndianBytes)
    let refresh = self.refreshSeconds.map { #"<meta http-equiv="refresh" content="\#($0)">"# } ?? ""
    let html = """
      <!doctype html><html lang="en"><head><meta charset="utf-8">\
      <meta name="viewport" content="width=device-width,initial-scale=1">\
      <meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">\(refresh)\
      <title>\(HTML.escape(self.title))</title><style nonce="\(nonce)">\(Self.style)</style></head>\
      <body><main>\(self.body)</main><script nonce="\(nonce)">\(Self.script)</script></body></html>

      """
    let policy =
      "default-src 'none'; style-src 'nonce-\(nonce)'; script-src 'nonce-\(nonce)'; "
      + "form-action \(self.formTarget ?? "'none'"); base-uri 'none'; frame-ancestors 'none'"
    return (html, policy)
  }

  private static let style =
    "body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:#f6f6f4;color:#1c1c1a}"
    + "main{max-width:34rem;margin:0 auto;padding:1.5rem}section{background:#fff;border:1px solid #d8d8d2;"
    + "border-radius:.5rem;padding:1rem;margin:1rem 0}h1{font-size:1.4rem}h2{font-size:1.1rem;margin:0}"
    + "svg{display:block;width:100%;max-width:22rem;margin:.75rem auto}"
    + "textarea{box-sizing:border-box;width:100%;font:.75rem/1.3 monospace;resize:vertical}"
    + "button{font:inherit;padding:.4rem .9rem;cursor:pointer}p{margin:.4rem 0}"
    + "code{overflow-wrap:anywhere}.amount{font-size:1.3rem;font-weight:600}"
    + "@media(prefers-color-scheme:dark){body{background:#171715;color:#eee}section{background:#222220;"
    + "border-color:#44443f}textarea{background:#171715;color:#eee}}"

  /// Shows the copy buttons, which do nothing without it.
  private static let script =
    "for(const b of document.querySelectorAll('button[data-copy]')){b.hidden=false;"
    + "b.addEventListener('click',async()=>{const t=document.getElementById(b.dataset.copy);t.select();"
    + "try{await navigator.clipboard.writeText(t.value)}catch{document.execCommand('copy')}"
    + "b.textContent='Copied'})}"
}

/// A text that is copied into a wallet: a QR code, the text itself and a button.
package struct CopyField {
  package var id: String
  package var label: String
  package var text: String

  package init(id: String, label: String, text: String) {
    self.id = id
    self.label = label
    self.text = text
  }

  /// - Parameter image: the QR code as SVG; empty for none.
  package func html(image: String) -> String {
    """
    \(image)<p><label for="\(self.id)">\(HTML.escape(self.label))</label></p>\
    <textarea id="\(self.id)" rows="4" readonly spellcheck="false">\(HTML.escape(self.text))</textarea>\
    <p><button type="button" data-copy="\(self.id)" hidden>Copy</button></p>
    """
  }
}
