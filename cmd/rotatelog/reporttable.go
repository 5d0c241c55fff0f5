package main

import (
	"fmt"
	"strings"

	"example.com/rotatelog/internal/report"
)

// reportTable prints the table of a report.
type reportTable struct {
	app *app
	by  report.By
}

// printReport prints a report for people.
func (a *app) printReport(r *report.Report) {
	t := reportTable{a, r.By}
	t.heading(r.Stream)
	for _, row := range r.Rows {
		t.row(row.Label(), row)
	}
	t.sums(r)
	a.println("")
	for _, note := range r.Notes() {
		a.paragraph(note)
	}
}

// heading prints the line above the rows.
func (t reportTable) heading(stream string) {
	a := t.app
	switch {
	case a.isNarrow():
		a.println(a.out.paint(bold, stream))
	case t.by == report.ByDay:
		t.line(stream, "", report.Texts{Fetches: "fetches", Uploads: "uploads", Matches: "match records", Bytes: "size"}, "first", "last")
	default:
		t.line(stream, "days", report.Texts{Fetches: "fetches", Uploads: "uploads", Matches: "match records", Bytes: "size"}, "change")
	}
}

// line prints a line of the table.
func (t reportTable) line(label, part string, n report.Texts, more ...string) {
	line := besideColumns(label, 16)
	if t.by != report.ByDay {
		line += fmt.Sprintf(" %8s", part)
	}
	line += fmt.Sprintf(" %9s %8s %14s %9s", n.Fetches, n.Uploads, n.Matches, n.Bytes)
	for _, m := range more {
		line += fmt.Sprintf(" %9s", m)
	}
	t.app.println(strings.TrimRight(line, " "))
}

// row prints a row.
func (t reportTable) row(label string, row *report.Row) {
	a := t.app
	if instead := row.Instead(); instead != "" {
		a.println(fmt.Sprintf("%-16s", label) + a.out.paint(yellow, instead))
		return
	}
	part := row.Part()
	first, last := row.Times()
	change := report.Percent(row.Change().Matches)
	switch {
	case a.isNarrow():
		t.narrow(label, row, first, last, change)
	case t.by == report.ByDay:
		t.line(label, "", row.Texts(), first, last)
	default:
		t.line(label, part, row.Texts(), change)
	}
}

// narrow prints a row where there is no room for a table.
func (t reportTable) narrow(label string, row *report.Row, first, last, change string) {
	n := row.Texts()
	if t.by != report.ByDay {
		label += " (days: " + row.Part() + ")"
	}
	t.app.println(label)
	text := fmt.Sprintf("fetches %s, uploads %s, match records %s, size %s", n.Fetches, n.Uploads, n.Matches, n.Bytes)
	if t.by == report.ByDay {
		text += fmt.Sprintf(", first %s, last %s", first, last)
	} else {
		text += ", change " + change
	}
	t.app.printText("  ", text)
}

// sums prints the last rows: the sum, what it is compared with, and by how much it changed.
func (t reportTable) sums(r *report.Report) {
	t.sum(r.Sum.Label(), r.Sum.Part(), r.Sum.Texts())
	c := r.Compared
	if c == nil || c.Before == nil {
		return
	}
	if len(c.Days) != len(r.Sum.Days) {
		t.sum("without today", c.Part(), c.Texts())
	}
	t.sum("the time before", c.Before.Part(), c.Before.Texts())
	t.sum("change", "", c.Change().Texts())
}

func (t reportTable) sum(label, part string, n report.Texts) {
	if t.app.isNarrow() {
		t.app.println(label)
		t.app.printText("  ", fmt.Sprintf("fetches %s, uploads %s, match records %s, size %s", n.Fetches, n.Uploads, n.Matches, n.Bytes))
		return
	}
	t.line(label, part, n)
}
