package main

import (
	"fmt"
	"slices"
	"strings"

	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/settings"
)

// lacks are the columns and conditions that none of the days has.
type lacks struct {
	known bool // a day was looked at
	all   []archive.Lack
}

// add takes in a day. One without a row says nothing.
func (l *lacks) add(day archive.ExportedDay) {
	switch {
	case day.Looked == 0:
	case !l.known:
		l.known, l.all = true, slices.Clone(day.Lacks)
	default:
		l.all = slices.DeleteFunc(l.all, func(one archive.Lack) bool {
			return !slices.ContainsFunc(day.Lacks, func(o archive.Lack) bool { return slices.Equal(o.Path, one.Path) })
		})
	}
}

// lackLine says that no row has a path, and which one may have been meant.
func (c *exportCommand) lackLine(l archive.Lack) string {
	of := "fetch"
	if c.Each != nil {
		of = "element"
	}
	text := fmt.Sprintf("no %s has %s", of, strings.Join(l.Path, "."))
	if len(l.Names) == 0 {
		return text
	}
	near := settings.Nearest(l.Path[l.Depth], l.Names)
	return text + "; the nearest name is " + strings.Join(append(slices.Clone(l.Path[:l.Depth]), near), ".")
}

// printLacks says what no row has.
func (r *exportRun) printLacks() {
	for _, l := range r.lacks.all {
		r.app.paragraph(r.command.lackLine(l))
	}
}
