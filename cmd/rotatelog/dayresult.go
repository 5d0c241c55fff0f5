package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/format"
)

// dayResult is what verify has found of a day.
type dayResult struct {
	archive.Report
	stream string
	err    error // why the day could not be read
	named  bool  // it was named, so that it should be there
}

// maxShown is how many findings of a day are printed.
const maxShown = 10

// isNarrow reports whether there is no room for the table of days.
func (a *app) isNarrow() bool { return a.out.width < 72 }

// heading returns the line above the days of a stream.
func (a *app) heading(stream string) string {
	if a.isNarrow() {
		return stream
	}
	return besideColumns(stream, 14) + fmt.Sprintf(" %9s %8s %14s %9s", "fetches", "uploads", "match records", "size")
}

// besideColumns returns the name of a stream before the heads of columns, or above them if
// it is longer than the width that there is.
func besideColumns(stream string, width int) string {
	if utf8.RuneCountInString(stream) > width {
		return stream + "\n" + strings.Repeat(" ", width)
	}
	return fmt.Sprintf("%-*s", width, stream)
}

// severity returns how bad a finding is. A day that was named and is not there is an error.
func (d *dayResult) severity(f archive.Finding) archive.Severity {
	if d.named && f.Code == archive.DayMissing {
		return archive.Error
	}
	return f.Severity()
}

// counts returns how many errors and warnings there are.
func (d *dayResult) counts() (errors, warnings int) {
	for _, f := range d.Findings {
		switch d.severity(f) {
		case archive.Error:
			errors++
		case archive.Warning:
			warnings++
		}
	}
	return errors, warnings
}

// has reports whether there is a finding with a code.
func (d *dayResult) has(code archive.Code) bool {
	return slices.ContainsFunc(d.Findings, func(f archive.Finding) bool { return f.Code == code })
}

// instead returns what to do first where that is no command, "" otherwise.
func (d *dayResult) instead() string {
	for _, f := range d.Findings {
		if f.Next != "" && !strings.HasPrefix(f.Next, "rotatelog ") {
			return f.Next
		}
	}
	return ""
}

// print prints the day, and below it what is wrong with it.
func (d *dayResult) print(a *app) {
	fetches, uploads, matches, size := "–", "–", "–", "–"
	if d.Key != "" {
		fetches, uploads = format.Count(d.Totals.Fetches), format.Count(d.Totals.Uploads)
		matches, size = format.Count(d.Totals.Matches), format.Bytes(d.Size)
	}
	if a.isNarrow() {
		a.println(format.Weekday(d.Day) + "  " + d.status(a))
		a.printText("  ", fmt.Sprintf("fetches %s, uploads %s, match records %s, size %s", fetches, uploads, matches, size))
	} else {
		a.printf("%-14s %9s %8s %14s %9s  %s\n", format.Weekday(d.Day), fetches, uploads, matches, size, d.status(a))
	}
	if d.err != nil {
		a.println(strings.Join(format.Wrap("could not be read: "+explained(d.err), "  ", a.out.width), "\n"))
	}
	found := slices.DeleteFunc(slices.Clone(d.Findings), func(f archive.Finding) bool { return d.severity(f) == archive.Note })
	shown := found[:min(len(found), maxShown)]
	width := 8
	for _, f := range shown {
		width = max(width, len(f.Code))
	}
	for _, f := range shown {
		d.printFinding(a, f, width)
	}
	if more := len(found) - len(shown) + d.More; more > 0 {
		a.printf("  and %s more (--json prints up to a thousand)\n", format.Count(more))
	}
}

// status returns the last column of the day.
func (d *dayResult) status(a *app) string {
	errors, warnings := d.counts()
	var parts []string
	if d.err != nil {
		parts = append(parts, a.out.paint(red, "UNKNOWN"))
	}
	if errors > 0 {
		parts = append(parts, a.out.paint(red, format.Plural(errors, "ERROR", "ERRORS")))
	}
	if warnings > 0 {
		parts = append(parts, a.out.paint(yellow, format.Plural(warnings, "warning", "warnings")))
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case d.Day == a.today():
		return a.out.paint(green, "ok so far")
	}
	return a.out.paint(green, "ok")
}

// printFinding prints a finding, as "  ERROR    checksum  upload 87: …".
func (d *dayResult) printFinding(a *app, f archive.Finding, codeWidth int) {
	label, c := "warning", yellow
	if d.severity(f) == archive.Error {
		label, c = "ERROR", red
	}
	text := f.Text
	switch {
	case f.Code == archive.Gap:
		text += fmt.Sprintf(", in upload %d", f.Upload)
	case f.Fetch > 0:
		text = fmt.Sprintf("upload %d, fetch %d: %s", f.Upload, f.Fetch, text)
	case f.Upload > 0:
		text = fmt.Sprintf("upload %d: %s", f.Upload, text)
	}
	begin := fmt.Sprintf("  %-7s  %-*s  ", label, codeWidth, f.Code)
	for i, line := range format.Wrap(text, strings.Repeat(" ", len(begin)), a.out.width) {
		if i == 0 {
			line = strings.Replace(begin, label, a.out.paint(c, label), 1) + line[len(begin):]
		}
		a.println(line)
	}
}

// dayJSON is the line of a day with --json.
type dayJSON struct {
	Stream   string        `json:"stream"`
	Day      string        `json:"day"`
	Key      string        `json:"key,omitempty"`
	Size     int64         `json:"size"`
	Fetches  int           `json:"fetches"`
	Uploads  int           `json:"uploads"`
	Matches  int64         `json:"match_records"`
	Worst    string        `json:"worst"` // "note", "warning", "error", or "unknown" if it could not be read
	Error    string        `json:"error,omitempty"`
	Findings []findingJSON `json:"findings"`
	More     int           `json:"more,omitempty"` // findings beyond those
}

type findingJSON struct {
	Code     archive.Code `json:"code"`
	Severity string       `json:"severity"`
	Upload   int          `json:"upload,omitempty"`
	Fetch    int          `json:"fetch,omitempty"`
	Text     string       `json:"text"`
}

func (d *dayResult) json() dayJSON {
	j := dayJSON{
		Stream: d.stream, Day: d.Day.String(), Key: d.Key, Size: d.Size, Fetches: d.Totals.Fetches, Uploads: d.Totals.Uploads,
		Matches: d.Totals.Matches, Findings: []findingJSON{}, More: d.More,
	}
	worst := archive.Note
	for _, f := range d.Findings {
		worst = max(worst, d.severity(f))
		j.Findings = append(j.Findings, findingJSON{f.Code, d.severity(f).String(), f.Upload, f.Fetch, f.Text})
	}
	if j.Worst = worst.String(); d.err != nil {
		j.Worst, j.Error = "unknown", explained(d.err)
	}
	return j
}
