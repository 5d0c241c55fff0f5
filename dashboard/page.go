package dashboard

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"sync"

	"example.com/rotatelog/internal/chart"
	"example.com/rotatelog/internal/report"
)

var (
	//go:embed page.css
	css string
	//go:embed page.js
	script string
)

// page is the page that begins with a stream, as it was at one moment. It consists of parts,
// which are what changes.
//
// It is not made by html/template: with that the linker keeps all methods of all types.
type page struct {
	seen   *seen
	view   *view // of the stream that it begins with
	host   string
	state  string // for the icon
	title  string
	parts  map[string]string
	once   sync.Once
	itself []byte // the document, once it was made
}

func newPage(s *seen, stream, host string) *page {
	p := &page{seen: s, host: host, parts: map[string]string{}}
	for _, v := range s.streams {
		if v.Summary.Stream == stream {
			p.view = v
		}
	}
	p.head()
	p.place()
	p.findings()
	p.tiles()
	p.chart()
	p.streams()
	p.uploads()
	p.calendar()
	p.happened()
	return p
}

// text is HTML that is being written.
type text struct{ strings.Builder }

// markup is text that is HTML already.
type markup string

// add adds markup. Strings among the arguments are text, and what they have of markup is
// shown as it is.
func (t *text) add(form string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(t, form, args...)
}

// part returns a part for its place in the document.
func (p *page) part(id string) markup { return markup(p.parts[id]) }

// event returns what differs from a page that was shown before, all if that is nil. Even if
// nothing does, it says that the page is live.
func (p *page) event(before *page) []byte {
	e := struct {
		Version string            `json:"version"`
		State   string            `json:"state"`
		Title   string            `json:"title"`
		Parts   map[string]string `json:"parts"`
	}{version(), p.state, p.title, map[string]string{}}
	for id, html := range p.parts {
		if before == nil || before.parts[id] != html {
			e.Parts[id] = html
		}
	}
	line, err := json.Marshal(e)
	if err != nil { // of strings, it never fails
		return nil
	}
	return fmt.Appendf(nil, "data: %s\n\n", line)
}

// style is the style of the page.
func style() string { return css + chart.CSS() }

// version tells the pages of two versions of the program apart.
func version() string { return short(sha256.Sum256([]byte(style() + script))) }

// policy is the Content-Security-Policy: nothing but what is in the page, by checksum, its
// icons and its events.
func policy() string {
	sum := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hashed(base64.StdEncoding.EncodeToString(sum[:]))
	}
	return "default-src 'none'; script-src " + sum(script) + "; style-src " + sum(style()) +
		"; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// document returns the page. It is made when somebody asks for it.
func (p *page) document() []byte {
	p.once.Do(func() { p.itself = p.write() })
	return p.itself
}

func (p *page) write() []byte {
	var t text
	t.add(`<!DOCTYPE html>
<html lang="en" data-version="%s" data-state="%s" data-host="%s">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<noscript><meta http-equiv="refresh" content="30"></noscript>
<title>%s</title>
<link rel="icon" id="icon" type="image/svg+xml" href="icon/%s.svg">
<style>%s</style>
</head>
<body>
<a class="skip" href="#content">Skip to what is going on</a>
<p id="stale" role="alert"></p>
<header>
<h1>rotatelog <span>%s</span></h1>
<p id="state" role="status">%s</p>
<p class="when"><span id="now">%s</span> <span id="live"><noscript>loaded again every 30 s</noscript></span></p>
</header>
<main id="content" tabindex="-1">
<section id="findings" aria-label="What is wrong">%s</section>
`, version(), p.state, p.host, p.title, p.state, markup(style()), p.host, p.part("state"), p.part("now"), p.part("findings"))
	p.writeStream(&t)
	t.add(`<footer><p>%s A day is a New York calendar date.</p></footer>
</main>
<script>%s</script>
</body>
</html>
`, report.MatchRecord, markup(script))
	return []byte(t.String())
}

// writeStream writes what is shown of the stream that the page begins with.
func (p *page) writeStream(t *text) {
	t.add(`<section aria-labelledby="h-stream">
<h2 id="h-stream" class="name">%s <span id="place">%s</span></h2>
<dl class="tiles">
<div><dt>Fetching</dt><dd id="fetched">%s</dd></div>
<div><dt>Batch</dt><dd id="batch">%s</dd></div>
<div><dt>In the <span id="noun">%s</span></dt><dd id="uploaded">%s</dd></div>
<div><dt>Disk</dt><dd id="disk">%s</dd></div>
</dl>
</section>
<section class="day" aria-labelledby="h-today">
<h2 id="h-today">Today</h2>
<p id="today">%s</p>
<figure id="chart">%s</figure>
</section>
`, p.view.Summary.Stream, p.part("place"), p.part("fetched"), p.part("batch"), p.part("noun"), p.part("uploaded"), p.part("disk"), p.part("today"), p.part("chart"))
	t.add("<section aria-labelledby=\"h-streams\">\n<h2 id=\"h-streams\">Streams</h2>\n")
	p.writeStreams(t)
	t.add(`</section>
<div class="columns">
<section aria-labelledby="h-uploads">
<h2 id="h-uploads">Last ten uploads</h2>
<div id="uploads">%s</div>
</section>
<section aria-labelledby="h-calendar">
<h2 id="h-calendar">30 days</h2>
<div id="calendar">%s</div>
</section>
</div>
<section aria-labelledby="h-happened">
<h2 id="h-happened">What happened</h2>
<div id="happened">%s</div>
</section>
`, p.part("uploads"), p.part("calendar"), p.part("happened"))
}
