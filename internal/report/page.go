package report

import (
	_ "embed"
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"

	"example.com/rotatelog/internal/chart"
	"example.com/rotatelog/internal/format"
)

//go:embed page.css
var css string

// Page returns reports as an HTML page that needs nothing else: no script, and no file
// besides it. what says which days they are of, and made when and from what the page was
// made. It is the same page on a screen, in the dark, on a phone and on paper.
//
// It is not made by html/template: with that the linker keeps all methods of all types.
func Page(reports []*Report, what, made string) string {
	p := &page{}
	p.add(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>%s</title>
<style>
%s%s</style>
</head>
<body>
<main>
<header>
<h1>%s</h1>
<p>%s</p>
</header>
`, "Report of "+what, markup(css), markup(chart.CSS()), "Report of "+what, made)
	for i, r := range reports {
		p.report(r, fmt.Sprintf("r%d", i+1))
	}
	p.add("<footer><p>%s</p></footer>\n</main>\n</body>\n</html>\n", MatchRecord)
	return p.text.String()
}

// page is a page that is being written.
type page struct{ text strings.Builder }

// markup is text that is HTML already.
type markup string

// add adds markup. Strings among the arguments are text, and what they have of markup is
// shown as it is.
func (p *page) add(form string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(&p.text, form, args...)
}

// report writes the section of a stream. id begins the ids in it.
func (p *page) report(r *Report, id string) {
	p.add("<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n", id, id, r.Stream)
	p.tiles(r)
	p.chart(r, id+"-matches", "Match records", func(d Counts) int64 { return d.Matches }, (*Row).counted, format.Count[int64], short)
	p.chart(r, id+"-fetches", "Fetches", func(d Counts) int64 { return int64(d.Fetches) }, (*Row).counted, format.Count[int64], short)
	p.chart(r, id+"-bytes", "Bytes", func(d Counts) int64 { return d.Bytes }, (*Row).sized, format.Bytes, format.Bytes)
	p.table(r, id+"-table")
	p.add("<ul class=\"notes\">\n")
	for _, note := range r.Notes() {
		if note != MatchRecord { // which is said once, at the end
			p.add("<li>%s</li>\n", note)
		}
	}
	p.add("</ul>\n</section>\n")
}

// tiles writes the sums, large.
func (p *page) tiles(r *Report) {
	sum, change := r.Sum.Texts(), Texts{}
	if r.Compared != nil && r.Compared.Before != nil {
		change = r.Compared.Change().Texts()
	}
	p.add("<dl class=\"tiles\">\n")
	for _, tile := range [][3]string{{"Match records", sum.Matches, change.Matches}, {"Fetches", sum.Fetches, change.Fetches},
		{"Uploads", sum.Uploads, change.Uploads}, {"Size", sum.Bytes, change.Bytes}} {
		p.add("<div><dt>%s</dt><dd>%s</dd>", tile[0], tile[1])
		if tile[2] != "" && tile[2] != notKnown {
			p.add("<dd class=\"change\">%s<span> against the time before</span></dd>", tile[2])
		}
		p.add("</div>\n")
	}
	p.add("</dl>\n")
}

// chart draws a number through the rows of a report.
func (p *page) chart(r *Report, id, name string, of func(Counts) int64, known func(*Row) int, text, scale func(int64) string) {
	c := chart.Chart{ID: id, Title: fmt.Sprintf("%s by %s", name, r.By)}
	c.Format = func(v float64) string { return text(whole(v)) }
	c.Scale = func(v float64) string { return scale(whole(v)) }
	values := make([]float64, len(r.Rows))
	for i, row := range r.Rows {
		c.Labels = append(c.Labels, axisLabel(row))
		if values[i] = float64(of(row.Counts)); known(row) == 0 {
			values[i] = math.NaN()
		}
		switch {
		case len(row.In(Missing)) > 0:
			c.Bands = append(c.Bands, chart.Band{Place: i, Class: "missing", Text: row.Label() + ": no object of " + list(row.In(Missing))})
		case known(row) == 0:
			c.Bands = append(c.Bands, chart.Band{Place: i, Class: "unknown", Text: row.Label() + ": not known"})
		}
	}
	c.Series = []chart.Series{{Name: "these days", Values: values}}
	if before := r.lineBefore(of, known); before != nil {
		c.Series = append(c.Series, chart.Series{Name: "the time before", Kind: chart.Line, Values: before})
	}
	c.Desc = describe(values, r, text)
	p.add("<figure>\n<figcaption>%s <span class=\"legend\">%s</span></figcaption>\n%s</figure>\n", c.Title, markup(legend(c, r.By)), markup(c.SVG()))
}

// whole returns a value as a number, at most the largest one.
func whole(v float64) int64 {
	if v >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(v)
}

// short returns a count so that it fits beside a scale, as 1.5 M for 1,500,000.
func short(n int64) string {
	switch v := float64(n); {
	case n < 1e6:
		return format.Count(n)
	case n < 1e9:
		return strconv.FormatFloat(v/1e6, 'f', -1, 64) + " M"
	case n < 1e12:
		return strconv.FormatFloat(v/1e9, 'f', -1, 64) + " B"
	default:
		return strconv.FormatFloat(v, 'e', 0, 64)
	}
}

// lineBefore returns the days of the time before, one for each row. It returns nil where
// they would not be below the same weekday, which says something only by chance.
func (r *Report) lineBefore(of func(Counts) int64, known func(*Row) int) []float64 {
	c := r.Compared
	if r.By != ByDay || c == nil || c.Before == nil || len(c.Days) != len(r.Rows) || len(c.Days)%7 != 0 {
		return nil
	}
	var values []float64
	for _, d := range c.Before.Days {
		row := rowOf(ByDay, []Day{d})
		v := float64(of(row.Counts))
		if known(row) == 0 {
			v = math.NaN()
		}
		values = append(values, v)
	}
	return values
}

// legend says what the colors stand for, where there are several.
func legend(c chart.Chart, by By) string {
	text := ""
	add := func(class, sign string) { text += fmt.Sprintf(` <span class="%s">%s</span>`, class, sign) }
	if len(c.Series) > 1 {
		add("first", "bars: these days")
		add("second", "dashed line: the time before")
	}
	missing := NoObject
	if by != ByDay {
		missing = "days without an object"
	}
	for _, sign := range [][2]string{{"missing", missing}, {"unknown", NotKnown}} {
		if slices.ContainsFunc(c.Bands, func(b chart.Band) bool { return b.Class == sign[0] }) {
			add("band "+sign[0], sign[1])
		}
	}
	return text
}

// describe says in words what a chart shows.
func describe(values []float64, r *Report, text func(int64) string) string {
	least, most := -1, -1
	for i, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if least < 0 || v < values[least] {
			least = i
		}
		if most < 0 || v > values[most] {
			most = i
		}
	}
	if most < 0 {
		return "Nothing is known."
	}
	if len(values) == 1 {
		return fmt.Sprintf("%s: %s.", r.Rows[0].Label(), text(whole(values[0])))
	}
	return fmt.Sprintf("From %s (%s) to %s (%s). The table has all numbers.",
		text(whole(values[least])), r.Rows[least].Label(), text(whole(values[most])), r.Rows[most].Label())
}

// axisLabel returns what a row is called along an axis, as 07/03 or 2025-07.
func axisLabel(row *Row) string {
	if row.By == ByMonth {
		return row.Label()
	}
	first := row.By.span(row.First()).First
	return fmt.Sprintf("%02d/%02d", first.Month, first.Date)
}

// table writes all numbers.
func (p *page) table(r *Report, id string) {
	p.add("<div class=\"scroll\" role=\"region\" aria-labelledby=\"%s\" tabindex=\"0\">\n<table>\n<caption id=\"%s\">All numbers of %s, by %s</caption>\n", id, id, r.Stream, string(r.By))
	columns := []string{"Match records", "Change", "Fetches", "Uploads", "Size", "First upload", "Last upload"}
	first := map[By]string{ByDay: "Day", ByWeek: "Week from", ByMonth: "Month"}[r.By]
	if r.By != ByDay {
		columns = append([]string{"Days"}, columns...)
	}
	p.add("<thead><tr><th scope=\"col\">%s</th>", first)
	for _, c := range columns {
		p.add("<th scope=\"col\">%s</th>", c)
	}
	p.add("</tr></thead>\n<tbody>\n")
	for _, row := range r.Rows {
		p.row(row, row.Label(), row.Change().Texts().Matches, len(columns), r.By != ByDay)
	}
	p.add("</tbody>\n<tfoot>\n")
	p.row(r.Sum, r.Sum.Label(), "", len(columns), r.By != ByDay)
	if c := r.Compared; c != nil && c.Before != nil {
		if len(c.Days) != len(r.Sum.Days) {
			p.row(c, "Without today", "", len(columns), r.By != ByDay)
		}
		p.row(c.Before, "The time before", "", len(columns), r.By != ByDay)
		p.changeRow(c.Change().Texts(), r.By != ByDay)
	}
	p.add("</tfoot>\n</table>\n</div>\n")
}

// changeRow writes by how much the sum has changed.
func (p *page) changeRow(t Texts, parts bool) {
	p.add("<tr><th scope=\"row\">Change</th>")
	if parts {
		p.add("<td></td>")
	}
	for _, cell := range []string{t.Matches, "", t.Fetches, t.Uploads, t.Bytes, "", ""} {
		p.add("<td>%s</td>", cell)
	}
	p.add("</tr>\n")
}

// row writes a row of the table.
func (p *page) row(row *Row, label, change string, columns int, parts bool) {
	p.add("<tr><th scope=\"row\">%s</th>", label)
	if instead := row.Instead(); instead != "" {
		p.add("<td class=\"instead\" colspan=\"%d\">%s</td></tr>\n", columns, instead)
		return
	}
	if parts {
		p.add("<td>%s</td>", row.Part())
	}
	t := row.Texts()
	first, last := row.Times()
	for _, cell := range []string{t.Matches, change, t.Fetches, t.Uploads, t.Bytes, first, last} {
		p.add("<td>%s</td>", cell)
	}
	p.add("</tr>\n")
}
