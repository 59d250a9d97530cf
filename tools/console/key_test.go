package console

import (
	"strings"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// attend focuses the button of a command, and keeps what it is called from then on: it
// says for a moment only that its command is copied.
func attend(command string) string {
	return `{
		const button = [...document.querySelectorAll("[data-copy]")].find(b => b.dataset.copy == ` + command + `);
		window.labels = [];
		new MutationObserver(() => labels.push(button.innerText)).observe(button, { childList: true });
		button.focus();
	}`
}

// TestCommandsAreCopied copies the commands of a hostile key with the keyboard, and sees
// what a screen reader hears.
func TestCommandsAreCopied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(t, "ap-northeast-1", "s3-unavailable", 1)
	w.upload(t, "us-east-1", hostile)
	b := newBrowser(t)
	b.open(t, w)
	b.until(t, `document.querySelector('a[href="/letters?region=ap-northeast-1"]')?.textContent == "1"`)
	b.run(t, emulation.SetFocusEmulationEnabled(true),
		cdpbrowser.GrantPermissions([]cdpbrowser.PermissionType{
			cdpbrowser.PermissionTypeClipboardReadWrite, cdpbrowser.PermissionTypeClipboardSanitizedWrite,
		}))
	b.run(t, chromedp.Navigate(w.page("/key")), chromedp.SendKeys("#key", "<img", chromedp.ByQuery))
	b.until(t, `document.querySelectorAll("#names option").length == 1`)
	b.run(t,
		chromedp.Evaluate(`document.querySelector("#key").value = document.querySelector("#names option").value; `+
			`document.querySelector("form").requestSubmit()`, nil))
	b.until(t, `document.querySelectorAll("[data-copy]").length > 1`)
	var commands []string
	b.run(t, chromedp.Evaluate(`[...document.querySelectorAll("[data-copy]")].map(b => b.dataset.copy)`, &commands))
	for _, command := range commands {
		b.run(t, chromedp.Evaluate(attend(asJSON(t, command)), nil), chromedp.KeyEvent(kb.Enter))
		b.until(t, `labels[0] == "Copied" && document.querySelector("#message").innerText.startsWith("Copied: ")`)
		var got string
		b.run(t, chromedp.Evaluate(`navigator.clipboard.readText()`, &got, awaited))
		if got != command || !strings.Contains(got, "s3fanout ") {
			t.Errorf("copied %q, want %q", got, command)
		}
	}
	all := strings.Join(commands, "\n")
	if !strings.Contains(all, "s3fanout explain -- $'<img src=x onerror=\"document.title=\\'owned\\'\"") {
		t.Errorf("no command has the key:\n%s", all)
	}
	b.fine(t)
}
