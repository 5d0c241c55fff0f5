package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/status"
)

// head sets what is above everything: the worst state of all streams, and the time.
func (p *page) head() {
	worst, counts := p.worst()
	badge := "ALL GOOD"
	if p.state = "ok"; worst.Rank() > 0 {
		state, code := worst.State()
		p.state = strings.ToLower(state)
		badge = strings.TrimSpace(state + " " + code)
		if counts > 1 {
			badge += fmt.Sprintf(" and %d more", counts-1)
		}
	}
	p.title = badge + " · rotatelog " + p.host
	var t text
	t.add(`<strong class="badge %s">%s</strong>`, p.state, badge)
	p.parts["state"] = t.String()
	p.parts["now"] = p.seen.taken.In(p.view.Zone).Format("03:04:05 PM MST")
}

// worst returns the stream that has to be seen first, and how many things are wrong with
// all.
func (p *page) worst() (worst *view, n int) {
	for _, v := range p.seen.streams {
		if worst == nil || v.Rank() > worst.Rank() {
			worst = v
		}
		if n += len(v.Findings); v.Obscured() {
			n++
		}
	}
	return worst, n
}

// article is something that is wrong, and what to do.
type article struct {
	rank int // as of a stream of which that is all
	text
}

// findings sets what is wrong and what to do, the worst first, and in each rank that of the
// worst stream.
func (p *page) findings() {
	streams := slices.Clone(p.seen.streams)
	slices.SortStableFunc(streams, func(a, b *view) int { return cmp.Compare(b.Rank(), a.Rank()) })
	var all []*article
	add := func(of status.Stream, write func(*text)) {
		a := &article{rank: of.Rank()}
		write(&a.text)
		all = append(all, a)
	}
	var unknown text
	for _, v := range streams {
		if v.Obscured() {
			add(status.Stream{Blind: v.Blind, Problems: v.Problems}, func(t *text) { p.obscured(t, v) })
		}
		if v.AwaitsFirst() {
			add(status.Stream{}, func(t *text) { first(t, v) })
		}
		for _, f := range v.Findings {
			add(status.Stream{Summary: health.Summary{Findings: []health.Finding{f}}}, func(t *text) { finding(t, f) })
		}
		for _, sentence := range v.Unknown {
			unknown.add("<li>%s: %s</li>\n", v.Summary.Stream, sentence)
		}
	}
	slices.SortStableFunc(all, func(a, b *article) int { return cmp.Compare(b.rank, a.rank) })
	var t text
	for _, a := range all {
		t.WriteString(a.String())
	}
	if len(all) == 0 {
		t.add(`<p class="nothing">Nothing is wrong.</p>` + "\n")
	}
	if unknown.Len() > 0 {
		t.add("<p class=\"unknown\">Not known:</p>\n<ul class=\"unknown\">\n%s</ul>\n", markup(unknown.String()))
	}
	p.parts["findings"] = t.String()
}

// finding says what is wrong, and what to do.
func finding(t *text, f health.Finding) {
	class := f.Severity.String()
	t.add("<article class=\"finding %s\">\n<h2><span class=\"badge %s\">%s</span> %s <span class=\"of\">%s</span></h2>\n", class, class, strings.ToUpper(class), string(f.Code), f.Stream)
	sentences(t, status.Sentences(f.Text))
	steps(t, f.Steps)
	t.add("</article>\n")
}

// first says that a stream waits for its first fetch, and what to type.
func first(t *text, v *view) {
	t.add("<article class=\"finding waiting\">\n<h2><span class=\"badge waiting\">WAITING</span> for the first fetch <span class=\"of\">%s</span></h2>\n", v.Summary.Stream)
	sentences(t, status.Sentences(v.first.Text))
	steps(t, v.first.Steps)
	t.add("</article>\n")
}

// obscured says that something of a stream cannot be seen.
func (p *page) obscured(t *text, v *view) {
	t.add("<article class=\"finding unknown\">\n<h2><span class=\"badge unknown\">UNKNOWN</span> <span class=\"of\">%s</span></h2>\n", v.Summary.Stream)
	sentences(t, v.Blind)
	for _, problem := range v.Problems {
		t.add("<p>Not all can be seen: %s.</p>\n", problem)
	}
	steps(t, v.BlindSteps())
	t.add("</article>\n")
}

func sentences(t *text, all []string) {
	for _, sentence := range all {
		t.add("<p>%s</p>\n", sentence)
	}
}

// steps writes what to do, in order.
func steps(t *text, all []string) {
	if len(all) == 0 {
		return
	}
	t.add("<ol>\n")
	for _, step := range all {
		command, about, ok := status.Command(step)
		switch {
		case !ok:
			t.add("<li>%s</li>\n", step)
		case about == "":
			t.add("<li><code>%s</code></li>\n", command)
		default:
			t.add("<li><code>%s</code> %s</li>\n", command, about)
		}
	}
	t.add("</ol>\n")
}

// tiles sets the facts that matter most, and what came today.
func (p *page) tiles() {
	v := p.view
	if v.Blind != nil {
		for _, id := range []string{"fetched", "batch", "uploaded", "disk", "today"} {
			p.parts[id] = `<strong>not known</strong>`
		}
		return
	}
	fetched, batch, uploaded := v.FetchedFact(), v.BatchFact(), v.UploadedFact()
	p.parts["fetched"] = tile(fetched.Value, fetched.Text, fetched.More)
	var bar text
	bar.add(`<meter min="0" max="%d" value="%d" aria-label="How full the batch is">%s</meter>`, v.Batch.Size, v.Batch.Fetches, v.Fill())
	p.parts["batch"] = tile(batch.Value, markup(bar.String()), batch.Text)
	text := "not looked at yet today"
	switch n := v.Uploaded.Uploads; {
	case n == 0:
		text = "nothing today"
	case n > 0:
		text = format.Plural(n, "upload", "uploads") + " today"
	}
	p.parts["uploaded"] = tile(uploaded.Value, text, v.Waits())
	p.parts["disk"] = tile(status.NotKnown)
	if v.Disk != nil {
		disk := v.DiskFact()
		p.parts["disk"] = tile(disk.Value, disk.Text)
	}
	p.parts["today"] = todayText(v)
}

// tile writes a value, large, and below it what more there is to say.
func tile(value string, more ...any) string {
	var t text
	t.add("<strong>%s</strong>", value)
	for _, m := range more {
		if m != "" {
			t.add(" <span>%s</span>", m)
		}
	}
	return t.String()
}

// todayText says what came today. That there are no matches is said only where something
// counts them.
func todayText(v *view) string {
	var t text
	known := func(n int64) bool { return n > 0 || n == 0 && v.Counted }
	switch n := v.today.matches; {
	case known(n):
		t.add("<strong>%s</strong> ", format.Plural(n, "match record", "match records"))
	case n < 0:
		t.add("<strong>match records not known</strong> ")
	}
	t.add("<strong>%s</strong>", format.Plural(v.today.fetches, "fetch", "fetches"))
	if n := v.today.bytes; n >= 0 {
		t.add(" <strong>%s</strong>", format.Bytes(n))
	}
	if n := v.today.lastWeek; known(n) {
		t.add(" <span>%s last week: %s</span>", v.today.weekday, format.Plural(n, "match record", "match records"))
	}
	return t.String()
}
