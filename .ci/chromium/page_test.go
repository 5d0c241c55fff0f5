//go:build chromium

package chromium

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// start starts Chromium, which ends with the test.
func start(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(stop)
	options := []chromedp.ExecAllocatorOption{chromedp.NoFirstRun, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true)}
	if program := os.Getenv("CHROMIUM"); program != "" {
		options = append(options, chromedp.ExecPath(program))
	}
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a page that is open.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string

	mu        sync.Mutex
	complains []string // errors and warnings of the browser, and requests elsewhere
}

// open opens a page in a tab of its own, in a size and a theme.
func open(t *testing.T, browser context.Context, url string, width int, theme string, script bool) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser)
	t.Cleanup(stop)
	p := &tab{t: t, ctx: ctx, url: url}
	p.must(chromedp.Do(ctx))
	p.must(chromedp.Listen(ctx, p.hear))
	call(p, log.Enable, cdp.Empty{})
	call(p, network.Enable, network.EnableParams{})
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
	p.do(chromedp.EmulateViewport(int64(width), 900), chromedp.Navigate(url))
	return p
}

// hear notes what a browser complains about, and requests to others.
func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		p.complains = append(p.complains, e.Entry.Text+" "+e.Entry.URL)
	case *runtime.EventExceptionThrown:
		p.complains = append(p.complains, e.ExceptionDetails.Text)
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, p.url) {
			p.complains = append(p.complains, "requested "+u)
		}
	}
}

// complaints returns what was noted.
func (p *tab) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.complains)
}

func (p *tab) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	p.must(chromedp.Do(p.ctx, steps...))
}

// call calls a command of the browser.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, command, params)
	p.must(err)
}

// run returns what an action does.
func run[T any](p *tab, action chromedp.Action[T]) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, action)
	p.must(err)
	return value
}

// eval returns what an expression is, once it is settled.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	return run(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// waitFor waits until an expression is true, which it can become when the page changes.
func (p *tab) waitFor(expression string) {
	p.t.Helper()
	eval[bool](p, `new Promise(done => {
		const observer = new MutationObserver(look);
		function look() {
			if (!(`+expression+`)) return;
			observer.disconnect();
			done(true);
		}
		observer.observe(document.documentElement, {subtree: true, childList: true, attributes: true, characterData: true});
		look();
	})`)
}

// axe has axe-core look for what keeps people from using the page, and returns what it finds.
func (p *tab) axe() []string {
	p.t.Helper()
	source, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		p.t.Fatalf("AXE has to name axe.min.js of axe-core: %v", err)
	}
	run(p, chromedp.Evaluate[chromedp.Void](string(source)))
	return eval[[]string](p, `axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.html + ' ' + n.failureSummary)))`)
}

// shoot takes a picture of the whole page, if somebody wants it.
func (p *tab) shoot(name string) {
	p.t.Helper()
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	p.must(os.WriteFile(filepath.Join(dir, name+".png"), run(p, chromedp.FullScreenshot(100)), 0o644))
}

// What the page says of itself.
const (
	live    = `document.documentElement.dataset.live === 'yes'`
	notLive = `document.documentElement.dataset.live === 'no'`
)

// matrix returns the sizes and the themes that are tried.
func matrix() (widths []int, themes []string) {
	if os.Getenv("ROTATELOG_FULL") != "" {
		return []int{360, 768, 1280}, []string{"light", "dark"}
	}
	return []int{360}, []string{"dark"}
}

// Each state of the page can be read by everybody, in each size and theme, and says what it
// is in its title and its icon.
func TestPageInChromium(t *testing.T) {
	widths, themes := matrix()
	for _, s := range states() {
		t.Run(s.name, func(t *testing.T) {
			browser := start(t) // which has some time for each
			for _, width := range widths {
				for _, theme := range themes {
					t.Run(fmt.Sprintf("%d-%s", width, theme), func(t *testing.T) { s.try(t, browser, width, theme) })
				}
			}
		})
	}
}

// try looks at the page in a state, a size and a theme.
func (s state) try(t *testing.T, browser context.Context, width int, theme string) {
	_, server := serve(t, s)
	p := open(t, browser, server.URL, width, theme, true)
	p.waitFor(live)
	icon := strings.ToLower(strings.Fields(s.title)[0])
	if icon == "all" {
		icon = "ok"
	}
	if s.down {
		icon = "stale"
		server.CloseClientConnections()
		server.Listener.Close()
		p.waitFor(notLive)
	}
	if title := eval[string](p, `document.title`); !strings.HasPrefix(title, s.title) {
		t.Errorf("the title is %q", title)
	}
	if got := eval[string](p, `document.querySelector('link[rel=icon]').getAttribute('href')`); got != "icon/"+icon+".svg" {
		t.Errorf("the icon is %s, want %s", got, icon)
	}
	if over := eval[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("%d pixels are outside the window", over)
	}
	p.shoot(fmt.Sprintf("%s-%d-%s", s.name, width, theme))
	for _, violation := range p.axe() {
		t.Errorf("axe-core: %s", violation)
	}
	if complaints := p.complaints(); len(complaints) > 0 && !s.down {
		t.Errorf("the browser complains: %q", complaints)
	}
}

// A fetch shows by itself, keeps the focus where it is, and after an interruption the page is
// live again by itself.
func TestPageIsLive(t *testing.T) {
	w, server := serve(t, states()[0])
	p := open(t, start(t), server.URL, 1280, "light", true)
	p.waitFor(live)
	p.do(chromedp.KeyEvent(kb.Tab))
	if got := eval[string](p, `document.activeElement.className`); got != "skip" {
		t.Errorf("the first tab leads to %q", got)
	}
	p.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab))
	if got := eval[string](p, `document.activeElement.textContent`); got != "all_api" {
		t.Errorf("the next one leads to %q", got)
	}
	w.fetches(1)
	p.waitFor(`document.getElementById('fetched').textContent.includes('#214 today')`)
	if got := eval[string](p, `document.activeElement.textContent`); got != "all_api" {
		t.Errorf("the focus went to %q", got)
	}
	server.CloseClientConnections()
	w.fetches(1)
	p.waitFor(`document.getElementById('fetched').textContent.includes('#215 today')`)
	for _, complaint := range p.complaints() {
		if !strings.Contains(complaint, "ERR_") { // of the connection that was cut
			t.Errorf("the browser complains: %q", complaint)
		}
	}
}

// axe-core finds what is wrong, if something is.
func TestAxeFindsFaults(t *testing.T) {
	_, server := serve(t, states()[0])
	p := open(t, start(t), server.URL, 360, "light", true)
	eval[bool](p, `document.documentElement.removeAttribute('lang'); true`)
	if found := p.axe(); len(found) != 1 || !strings.HasPrefix(found[0], "html-has-lang: ") {
		t.Errorf("it found %q", found)
	}
}

// Without JavaScript, all is there.
func TestPageWithoutJavaScript(t *testing.T) {
	_, server := serve(t, states()[0])
	p := open(t, start(t), server.URL, 360, "light", false)
	text := run(p, chromedp.Text(chromedp.CSS("body")))
	for _, want := range []string{"ALL GOOD", "#213 today", "match records", "3 of 10", "> 90 days", "loaded again every 30 s"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "NOT LIVE") {
		t.Error("it says that it is not live")
	}
}
