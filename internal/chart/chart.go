// Package chart draws numbers through time as SVG: bars, lines, and bands where there is no
// number. A chart needs no script, has its colors from [CSS], for light, dark and paper, and
// says in words what it shows. Whoever has to have the numbers themselves needs a table
// beside it.
package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Chart is a chart. All that is to be seen of it is text: nothing in it is taken for markup.
type Chart struct {
	ID    string // of the element, unique in its document
	Title string // what it shows
	Desc  string // what it says, for those who do not see it

	Labels []string // of the places along the axis, "" for one without
	Series []Series
	Bands  []Band
	Format func(float64) string // writes a number, for the tooltips
	Scale  func(float64) string // writes it beside the scale, in about seven characters: Format unless set
}

// Series is a row of numbers, one for each place. NaN stands for none.
type Series struct {
	Name   string
	Kind   Kind
	Values []float64
}

// Kind is how a series is drawn.
type Kind int

// The kinds of series.
const (
	Bars Kind = iota
	Line
)

// Band marks a place over the whole height.
type Band struct {
	Place int
	Class string // "missing" or "unknown"
	Text  string
}

// The measures, in the units of the view box. On a narrow screen the picture shrinks, and
// CSS has the text grow with it.
const (
	width, height = 720.0, 250.0
	top, bottom   = 12.0, 34.0 // above and below where numbers are drawn
	left          = 88.0       // of it, where the scale is written
	floor         = height - bottom
	steps         = 4  // lines across, about
	manyLabels    = 12 // along the axis
	fewLabels     = 4  // of these, on a narrow screen
)

// SVG returns the chart as an element for an HTML page.
func (c Chart) SVG() string {
	d := drawing{Chart: c, step: c.niceStep()}
	d.limit = d.step * math.Max(1, math.Ceil(c.largest()/d.step))
	d.printf(`<svg class="chart" id="%[1]s" viewBox="0 0 %[2]g %[3]g" role="img" aria-labelledby="%[1]s-title %[1]s-desc">`+"\n", c.ID, width, height)
	d.printf(`<title id="%[1]s-title">%[2]s</title><desc id="%[1]s-desc">%[3]s</desc>`+"\n", c.ID, c.Title, c.Desc)
	d.bands()
	d.grid()
	for i, s := range c.Series {
		if s.Kind == Line {
			d.line(i, s)
		} else {
			d.bars(i, s)
		}
	}
	d.scale()
	d.labels()
	d.text.WriteString("</svg>\n")
	return d.text.String()
}

// largest returns the largest number.
func (c Chart) largest() float64 {
	most := 0.0
	for _, s := range c.Series {
		for _, v := range s.Values {
			if v > most { // NaN is not
				most = v
			}
		}
	}
	return most
}

// niceStep returns the distance between lines across: 1, 2 or 5, and zeros.
func (c Chart) niceStep() float64 {
	rough := math.Max(c.largest(), 1) / steps
	unit := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, nice := range []float64{1, 2, 5} {
		if rough <= nice*unit {
			return math.Max(1, nice*unit)
		}
	}
	return math.Max(1, 10*unit)
}

// drawing is a chart that is being drawn.
type drawing struct {
	Chart
	step, limit float64
	text        strings.Builder
}

// printf adds markup. Strings among the arguments are text, not markup.
func (d *drawing) printf(markup string, args ...any) {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = html.EscapeString(s)
		}
	}
	fmt.Fprintf(&d.text, markup, args...)
}

// places returns how many places there are along the axis.
func (d *drawing) places() int {
	n := len(d.Labels)
	for _, s := range d.Series {
		n = max(n, len(s.Values))
	}
	return max(n, 1)
}

// pitch returns the distance between places.
func (d *drawing) pitch() float64 { return (width - left) / float64(d.places()) }

// edge returns where a place begins.
func (d *drawing) edge(place int) float64 { return left + float64(place)*d.pitch() }

// x returns the middle of a place.
func (d *drawing) x(place int) float64 { return rounded(d.edge(place) + d.pitch()/2) }

// y returns how far down a number is.
func (d *drawing) y(v float64) float64 { return rounded(floor - (floor-top)*v/d.limit) }

// rounded returns v with one decimal: more only makes the page larger.
func rounded(v float64) float64 { return math.Round(v*10) / 10 }

func (d *drawing) bands() {
	for _, b := range d.Bands {
		class := "unknown"
		if b.Class == "missing" {
			class = b.Class
		}
		d.printf(`<rect class="chart-%s" x="%g" y="%g" width="%g" height="%g"><title>%s</title></rect>`+"\n", class,
			rounded(d.edge(b.Place)), top, rounded(d.pitch()), floor-top, b.Text)
	}
}

func (d *drawing) grid() {
	for v := 0.0; v <= d.limit; v += d.step {
		d.printf(`<line class="chart-grid" x1="%[3]g" y1="%[1]g" x2="%[2]g" y2="%[1]g"/>`+"\n", d.y(v), width, left)
	}
}

// scale writes the numbers of the lines across.
func (d *drawing) scale() {
	text := d.Scale
	if text == nil {
		text = d.Format
	}
	for v := 0.0; v <= d.limit; v += d.step {
		d.printf(`<text class="chart-text" x="%g" y="%g" text-anchor="end" dominant-baseline="central">%s</text>`+"\n", left-6, d.y(v), text(v))
	}
}

// tip returns what a tooltip says of a place.
func (d *drawing) tip(place int, s Series) string {
	text := d.Format(s.Values[place])
	if place < len(d.Labels) && d.Labels[place] != "" {
		text = d.Labels[place] + ": " + text
	}
	if len(d.Series) > 1 {
		text += " (" + s.Name + ")"
	}
	return text
}

func (d *drawing) bars(series int, s Series) {
	gap := math.Min(d.pitch()*0.2, 6)
	d.printf(`<g class="chart-bars chart-series-%d">`+"\n", series)
	for i, v := range s.Values {
		if math.IsNaN(v) {
			continue
		}
		d.printf(`<rect x="%g" y="%g" width="%g" height="%g"><title>%s</title></rect>`+"\n",
			rounded(d.edge(i)+gap/2), d.y(v), rounded(d.pitch()-gap), rounded(floor-d.y(v)), d.tip(i, s))
	}
	d.text.WriteString("</g>\n")
}

// line draws a line that is broken where there is no number.
func (d *drawing) line(series int, s Series) {
	var path strings.Builder
	pen := "M"
	for i, v := range s.Values {
		if math.IsNaN(v) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&path, "%s%g %g", pen, d.x(i), d.y(v))
		if pen = "L"; i+1 == len(s.Values) || math.IsNaN(s.Values[i+1]) {
			path.WriteString("h0.1") // a point by itself is to be seen, too
		}
	}
	d.printf(`<path class="chart-line chart-series-%d" d="%s"><title>%s</title></path>`+"\n", series, path.String(), s.Name)
}

// labels writes the labels below the axis: as many as there is room for, and fewer on a
// narrow screen.
func (d *drawing) labels() {
	var named []int
	for i, label := range d.Labels {
		if label != "" {
			named = append(named, i)
		}
	}
	step := max(1, (len(named)+manyLabels-1)/manyLabels)
	shown := (len(named) + step - 1) / step
	sparse := max(1, (shown+fewLabels-1)/fewLabels)
	for n := 0; n < len(named); n += step {
		i := named[n]
		anchor, x := "middle", d.x(i)
		if x > width-40 { // text must not be cut
			anchor, x = "end", rounded(d.edge(i+1))
		}
		class := "chart-text chart-label"
		if n/step%sparse != 0 {
			class += " chart-sparse"
		}
		d.printf(`<text class="%s" x="%g" y="%g" text-anchor="%s">%s</text>`+"\n", class, x, height-10, anchor, d.Labels[i])
	}
}
