package main

import (
	"errors"
	"fmt"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/format"
)

// exportJSON is the line of a day with --json.
type exportJSON struct {
	Stream  string   `json:"stream"`
	Day     string   `json:"day,omitempty"`
	Key     string   `json:"key,omitempty"`
	File    string   `json:"file,omitempty"`
	Result  string   `json:"result"` // "written", "unchanged", "empty", "missing" or "failed"
	Fetches int      `json:"fetches"`
	Without int      `json:"without,omitempty"`
	Lines   int64    `json:"lines"`
	Bytes   int64    `json:"bytes"`
	Lacks   []string `json:"lacks,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// good prints a day that is exported.
func (r *exportRun) good(day archive.ExportedDay) {
	r.rows += day.Rows
	switch {
	case day.Rows == 0 && !r.command.Raw:
		r.empty++
		r.print(day, "empty", "no line", nil)
	case day.Unchanged:
		r.unchanged++
		r.print(day, "unchanged", "was there", nil)
	default:
		r.written++
		r.print(day, "written", "written", nil)
	}
}

// absent prints a day that has no object, if it was named.
func (r *exportRun) absent(day archive.ExportedDay) {
	r.missing++
	if !r.days.Named(day.Day) {
		return
	}
	r.named++
	text := "there is no object of the day"
	if waits, command := r.stream.notUploaded(day.Day); waits != "" {
		text = waits
		r.then(command)
	}
	r.print(day, "missing", "MISSING", errors.New(text))
}

// bad prints a day that cannot be exported as it is.
func (r *exportRun) bad(day archive.ExportedDay, err error) {
	r.failed++
	if errors.Is(err, rotatelog.ErrDamaged) {
		r.then(r.stream.typed("verify", day.Day.String()))
		r.print(day, "failed", "DAMAGED", err)
		return
	}
	r.print(day, "failed", "NOT EXPORTED", err)
}

func (r *exportRun) then(step string) { r.next = append(r.next, step) }

// print prints what was done with a day.
func (r *exportRun) print(day archive.ExportedDay, result, status string, err error) {
	if r.command.JSON {
		line := exportJSON{Stream: r.stream.Name, Day: day.Day.String(), Key: day.Key, Result: result, Fetches: day.Fetches, Without: day.Without, Lines: day.Rows, Bytes: day.Bytes}
		for _, l := range day.Lacks {
			line.Lacks = append(line.Lacks, strings.Join(l.Path, "."))
		}
		if err != nil {
			line.Error = explained(err)
		} else {
			line.File = day.File
		}
		r.app.printJSON(line) // what it cannot print is said at the end
		return
	}
	a := r.app
	if !r.headed && !a.isNarrow() {
		r.headed = true
		a.printf("%s %9s %14s %10s\n", besideColumns(r.stream.Name, 14), "fetches", "lines", "size")
	}
	if err != nil {
		if !day.Day.IsZero() {
			a.printf("%-14s %9s %14s %10s  %s\n", format.Weekday(day.Day), "–", "–", "–", a.out.paint(red, status))
		}
		a.printText("  ", explained(err))
		return
	}
	lines := format.Count(day.Rows)
	if r.command.Raw {
		lines = "–"
	}
	if a.isNarrow() {
		a.println(format.Weekday(day.Day) + "  " + status)
		a.printText("  ", fmt.Sprintf("fetches %s, lines %s, size %s", format.Count(day.Fetches), lines, format.Bytes(day.Bytes)))
	} else {
		fetches := format.Count(day.Fetches)
		if r.command.Raw {
			fetches = "–"
		}
		a.printf("%-14s %9s %14s %10s  %s\n", format.Weekday(day.Day), fetches, lines, format.Bytes(day.Bytes), status)
	}
	if day.Without > 0 {
		a.printText("  ", fmt.Sprintf("%s no array at %s", format.Plural(day.Without, "fetch has", "fetches have"), *r.command.Each))
	}
}

// summary returns a line, as "7 days, 448,210 lines, 18.9 GB read in 66 s: 6 written, 1 was
// there".
func (r *exportRun) summary() string {
	var parts []string
	for _, part := range []struct {
		n         int
		one, many string
	}{
		{r.written, "written", "written"}, {r.unchanged, "was there", "were there"}, {r.empty, "without a line", "without a line"},
		{r.missing, "without an object", "without an object"}, {r.failed, "not exported", "not exported"},
	} {
		if part.n > 0 {
			parts = append(parts, format.Plural(part.n, part.one, part.many))
		}
	}
	text := format.Plural(r.written+r.unchanged+r.empty+r.missing+r.failed, "day", "days")
	if !r.command.Raw {
		text += ", " + format.Plural(r.rows, "line", "lines")
	}
	return fmt.Sprintf("%s, %s read in %s: %s", text, format.Bytes(r.read.Load()), format.Duration(r.progress.took()), strings.Join(parts, ", "))
}
