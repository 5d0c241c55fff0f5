package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/format"
)

// fact is a line of a block: what it is about, a word or two, and what more there is to
// say.
type fact struct{ label, value, text, more string }

// Widths of the columns of facts.
const (
	labelWidth = 11
	valueWidth = 12
	textWidth  = 32 // where more follows
)

func (b *block) printFacts() {
	facts := []fact{b.fetched(), b.batch(), b.uploaded(), b.waiting()}
	if b.Waiting.Batches > 0 && b.Disk != nil {
		lasts := b.Disk.String()
		if b.Disk.Lasts >= health.LongLasting {
			lasts = "> 90 days" // fits the column
		}
		facts = append(facts, fact{label: "disk", value: lasts, text: format.Bytes(b.Disk.FreeBytes) + " free"})
	}
	facts = append(facts, b.dayBefore())
	width := valueWidth
	for _, f := range facts {
		width = max(width, utf8.RuneCountInString(f.value)+2)
	}
	for _, f := range facts {
		b.printFact(f, width)
	}
	for _, text := range b.unknown {
		b.printFact(fact{label: notKnown, text: text}, 0)
	}
}

func (b *block) printFact(f fact, width int) {
	begin := fmt.Sprintf("  %-*s%-*s", labelWidth, f.label, width, f.value)
	line := begin + f.text
	if f.more != "" {
		line = fmt.Sprintf("%s%-*s%s", begin, textWidth, f.text, f.more)
		f.text += ", " + f.more
	}
	if utf8.RuneCountInString(line) <= b.out.width {
		b.println(strings.TrimRight(line, " "))
		return
	}
	indent := strings.Repeat(" ", utf8.RuneCountInString(begin))
	if b.out.width < len(indent)+20 { // too narrow for columns
		b.println(strings.TrimRight(begin, " "))
		b.printText("    ", f.text)
		return
	}
	lines := format.Wrap(f.text, indent, max(b.out.width, len(indent)+20))
	b.println(begin + strings.TrimPrefix(strings.Join(lines, "\n"), indent))
}

func (b *block) fetched() fact {
	f := b.Fetched
	if f.Last.IsZero() {
		return fact{label: "fetched", value: "never"}
	}
	text := "none today"
	if f.Number > 0 {
		text = "#" + format.Count(f.Number) + " today"
	}
	switch {
	case f.Missing == 0:
		text += ", none missing"
	case f.Missing > 0:
		text += ", " + format.Count(f.Missing) + " missing"
	}
	more := ""
	if f.Matches > 0 || f.Matches == 0 && b.streamStatus.Count != "" { // else nothing may have been counted
		more = format.Plural(f.Matches, "match", "matches") + " in it"
	}
	return fact{"fetched", format.Ago(f.Last, b.Now), text, more}
}

func (b *block) batch() fact {
	text := "nothing to send"
	switch left := b.Batch.Due.Sub(b.Now); {
	case b.Batch.Due.IsZero():
	case left <= 0:
		text = "goes up with the next fetch"
	default:
		text = "goes up in about " + format.Duration(left.Round(time.Second))
	}
	return fact{label: "batch", value: b.fill(), text: text}
}

func (b *block) uploaded() fact {
	u := b.Uploaded
	f := fact{label: "uploaded", value: "never"}
	if !u.Last.IsZero() {
		f.value = format.Ago(u.Last, b.Now)
	}
	switch {
	case u.Uploads < 0:
		f.text = "today's object has not been looked at yet"
	case u.Uploads == 0:
		f.text = "nothing today"
	default:
		f.text = format.Plural(u.Uploads, "upload", "uploads") + ", " + format.Plural(u.Fetches, "fetch", "fetches")
		if u.Matches > 0 || b.streamStatus.Count != "" {
			f.text += ", " + format.Plural(u.Matches, "match record", "match records")
		}
		f.text += " today"
	}
	return f
}

func (b *block) waiting() fact {
	w := b.Waiting
	switch {
	case w.Batches > 0:
		text := fmt.Sprintf("%s, %s, since %s", format.Plural(w.Fetches, "fetch", "fetches"), format.Bytes(w.Bytes), b.clock(w.Oldest))
		return fact{label: "waiting", value: format.Plural(w.Batches, "batch", "batches"), text: text}
	case b.Disk != nil:
		text := fmt.Sprintf("disk lasts %s (%s free)", b.Disk, format.Bytes(b.Disk.FreeBytes))
		return fact{label: "waiting", value: "nothing", text: text}
	}
	return fact{label: "waiting", value: "nothing"}
}

func (b *block) dayBefore() fact {
	y := b.Yesterday
	var parts []string
	switch {
	case y.Waiting > 0 && y.Fetches >= 0:
		parts = append(parts, fmt.Sprintf("%s of %s not in its object yet", format.Count(y.Waiting), format.Plural(y.Fetches, "fetch is", "fetches are")))
	case y.Waiting > 0:
		parts = append(parts, format.Plural(y.Waiting, "fetch is", "fetches are")+" not in its object yet")
	case y.Fetches >= 0:
		parts = append(parts, format.Plural(y.Fetches, "fetch", "fetches"))
	}
	if y.Uploads >= 0 {
		parts = append(parts, format.Plural(y.Uploads, "upload", "uploads"))
	}
	if !y.Closed.IsZero() {
		parts = append(parts, "closed "+b.clock(y.Closed))
	}
	if !y.Known() {
		parts = []string{"this machine has no fetch of it"}
	}
	return fact{label: "yesterday", value: b.yesterday(), text: strings.Join(parts, ", ")}
}
