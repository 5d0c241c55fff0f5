package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/format"
)

// print prints a plan, or what was done.
func (r *restoreRun) print(p *archive.Plan, done bool) error {
	a := r.app
	r.progress.hide()
	if r.command.To != "" {
		a.println("rehearsal in " + r.command.To)
	}
	a.println(p.Key)
	known := len(p.Uploads()) + howMany(p.Missing)
	label := "in the " + r.stream.storeNoun()
	if r.command.To != "" {
		label = "in --to"
	}
	r.row(label, r.there(p, known), "")
	batches, err := r.batches(p.Day)
	if err != nil {
		return err
	}
	r.row("spool", batches, "")
	for _, source := range r.sources {
		r.row(source.label, fmt.Sprintf("%s of %s are whole", format.Count(source.uploads), format.Count(known)), source.where)
	}
	keep, back, missing := "would keep", "would put back", "still missing"
	if done {
		keep, back = "kept", "put back"
	}
	a.printf("%-16s%3d %s\n", keep, len(p.Keep), noun(len(p.Keep)))
	printBack(a, p, back)
	a.printf("%-16s%3d%s\n", missing, howMany(p.Missing), colon(sequenceText(p.Missing)))
	r.printRest(p)
	switch {
	case p.Aside == "" || !p.Needed():
	case done:
		a.printf("what was there before is in\n  %s\n", p.Aside)
	default:
		a.printf("first copies what is there now to\n  %s\n", p.Aside)
	}
	return nil
}

// row prints a line about a source.
func (r *restoreRun) row(label, text, where string) {
	line := fmt.Sprintf("  %-15s %s", label, text)
	if where != "" {
		line = fmt.Sprintf("%-42s %s", line, where)
	}
	if utf8.RuneCountInString(line) > r.app.out.width {
		line = strings.TrimRight(strings.TrimSuffix(line, where), " ") + "\n    " + where
	}
	r.app.println(line)
}

// there returns what the object holds.
func (r *restoreRun) there(p *archive.Plan, known int) string {
	if p.Version == "" {
		return "nothing: there is no object of the day"
	}
	gone := slices.Clone(p.Missing)
	for _, b := range p.PutBack {
		if b.From != "the object" && b.Was == 0 {
			gone = append(gone, one(b.Sequence))
		}
	}
	gone = joined(gone)
	text := fmt.Sprintf("%s of %s uploads are whole", format.Count(len(p.Keep)), format.Count(known))
	if len(gone) > 0 {
		return text + "; not: " + sequenceText(gone)
	}
	var wrong []string
	for _, f := range p.Report.Findings {
		if f.Severity() == archive.Error && !slices.Contains(wrong, string(f.Code)) {
			wrong = append(wrong, string(f.Code))
		}
	}
	if len(wrong) > 0 {
		text += "; wrong: " + strings.Join(wrong, ", ")
	}
	return text
}

// batches returns what the spool holds.
func (r *restoreRun) batches(day rotatelog.Day) (string, error) {
	status, err := rotatelog.Inspect(r.stream.Dir, r.stream.Name)
	if err != nil {
		return "", err
	}
	all := len(status.Confirmed) + len(status.Pending) + min(1, status.Unfinished.Fetches)
	found, err := r.maintenance.Batches(day)
	if err != nil {
		return "", err
	}
	ofDay := "none"
	if len(found) > 0 {
		ofDay = format.Count(len(found))
	}
	return fmt.Sprintf("%s, %s of this day", format.Plural(all, "batch", "batches"), ofDay), nil
}

// printBack prints what is put back, a line for each source.
func printBack(a *app, p *archive.Plan, label string) {
	if len(p.PutBack) == 0 {
		a.printf("%-16s%3d\n", label, 0)
	}
	from := map[string][]archive.PutBack{}
	for _, b := range p.PutBack {
		from[b.From] = append(from[b.From], b)
	}
	for _, source := range slices.Sorted(maps.Keys(from)) {
		var sequences []archive.Range
		fetches, matches := 0, int64(0)
		for _, b := range from[source] {
			sequences = append(sequences, one(b.Sequence))
			fetches += b.FetchCount
			matches += b.Matches
		}
		text := fmt.Sprintf("%s (%s, %s), from %s", sequenceText(joined(sequences)), format.Plural(fetches, "fetch", "fetches"),
			format.Plural(matches, "match record", "match records"), source)
		begin := fmt.Sprintf("%-16s%3d: ", label, len(sequences))
		for i, line := range format.Wrap(text, strings.Repeat(" ", len(begin)), a.out.width) {
			if i == 0 {
				line = begin + line[len(begin):]
			}
			a.println(line)
		}
		label = ""
	}
}

// printRest prints what is unusual about a plan.
func (r *restoreRun) printRest(p *archive.Plan) {
	a := r.app
	moved := 0
	for _, b := range p.PutBack {
		if b.Was > 0 {
			moved++
		}
	}
	if moved > 0 {
		a.printf("  %s moved to the end: another has the place\n", format.Plural(moved, "upload is", "uploads are"))
	}
	for _, part := range p.Partial {
		of := ""
		if part.Of > 0 {
			of = fmt.Sprintf(" of %d", part.Of)
		}
		a.printf("  of an upload that nothing has whole, %d%s fetches: %s\n", part.Fetches, of, part.As)
	}
	if len(p.Yield) > 0 {
		a.printf("  taken out: %s of an earlier restore, whose fetches another has\n", format.Plural(len(p.Yield), "upload", "uploads"))
	}
	if len(p.Pending) > 0 {
		a.printf("  %s in the spool yet: the Writer uploads what waits\n", format.Plural(len(p.Pending), "batch waits", "batches wait"))
	}
	if len(p.Differ) > 0 {
		a.printf("  two sources have different texts of %s:\n    %s\n", format.Plural(len(p.Differ), "upload", "uploads"), strings.Join(p.Differ, "\n    "))
	}
	if len(p.Damaged) > 0 {
		a.printf("  not used: %s that the spool keeps in damaged/\n", format.Plural(len(p.Damaged), "file", "files"))
	}
}

func noun(uploads int) string {
	if uploads == 1 {
		return "upload"
	}
	return "uploads"
}

func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
