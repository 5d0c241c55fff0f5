package main

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
)

// chart is a plot of lines, written as SVG.
type chart struct {
	title string
	x, y  axis
	lines []line
}

type axis struct {
	label  string
	log    bool
	format func(float64) string
}

type line struct {
	name   string
	color  string
	dashed bool
	points []point
}

type point struct{ x, y float64 }

// Colours that colour-blind readers can distinguish.
const (
	blue   = "#0072b2"
	sky    = "#56b4e9"
	red    = "#d55e00"
	orange = "#e69f00"
	green  = "#009e73"
	grey   = "#777777"
)

// The frame, in pixels. The names of the lines are to the right of it.
const (
	width, height         = 760, 420
	left, right           = 70, 190
	top, bottom           = 44, 52
	plotWidth, plotHeight = width - left - right, height - top - bottom
	lineHeight            = 16
)

func (c chart) svg() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="Helvetica, Arial, sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	text(&b, left, 24, "start", "#222222", ` font-size="15" font-weight="bold"`, c.title)
	xs, ys := newScale(c.x, c.all(func(p point) float64 { return p.x })), newScale(c.y, c.all(func(p point) float64 { return p.y }))
	atX := func(v float64) float64 { return left + xs.at(v)*plotWidth }
	atY := func(v float64) float64 { return top + (1-ys.at(v))*plotHeight }
	for _, v := range ys.ticks() {
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#dddddd"/>`+"\n", left, left+plotWidth, atY(v), atY(v))
		text(&b, left-8, atY(v)+4, "end", "#444444", "", c.y.format(v))
	}
	for _, v := range xs.ticks() {
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#eeeeee"/>`+"\n", atX(v), atX(v), top, top+plotHeight)
		text(&b, atX(v), top+plotHeight+18, "middle", "#444444", "", c.x.format(v))
	}
	fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#999999"/>`+"\n", left, top, plotWidth, plotHeight)
	text(&b, left+plotWidth/2, height-12, "middle", "#222222", "", c.x.label)
	text(&b, 0, 0, "middle", "#222222", fmt.Sprintf(` transform="translate(18 %d) rotate(-90)"`, top+plotHeight/2), c.y.label)
	for _, l := range c.lines {
		l.draw(&b, atX, atY)
	}
	c.names(&b, atY)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// all returns one coordinate of all points.
func (c chart) all(of func(point) float64) (values []float64) {
	for _, l := range c.lines {
		for _, p := range l.points {
			values = append(values, of(p))
		}
	}
	return values
}

func (l line) draw(b *bytes.Buffer, atX, atY func(float64) float64) {
	dash := ""
	if l.dashed {
		dash = ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round"%s points="`, l.color, dash)
	for _, p := range l.points {
		fmt.Fprintf(b, "%.1f,%.1f ", atX(p.x), atY(p.y))
	}
	b.WriteString(`"/>` + "\n")
	const fewPoints = 20 // more would hide the line
	if len(l.points) > fewPoints || l.dashed {
		return
	}
	for _, p := range l.points {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.2" fill="%s"/>`+"\n", atX(p.x), atY(p.y), l.color)
	}
}

// names writes the name of each line at the height at which it ends, moved down where
// they would overlap.
func (c chart) names(b *bytes.Buffer, atY func(float64) float64) {
	type name struct {
		line
		y float64
	}
	var names []name
	for _, l := range c.lines {
		if n := len(l.points); n > 0 {
			names = append(names, name{l, atY(l.points[n-1].y) + 4})
		}
	}
	slices.SortStableFunc(names, func(a, b name) int { return cmp.Compare(a.y, b.y) })
	for i := 1; i < len(names); i++ {
		names[i].y = max(names[i].y, names[i-1].y+lineHeight)
	}
	// Push up those that fell out of the frame.
	lowest := float64(top + plotHeight + 4)
	for i := len(names) - 1; i >= 0; i-- {
		names[i].y = min(names[i].y, lowest)
		lowest = names[i].y - lineHeight
	}
	for _, n := range names {
		text(b, left+plotWidth+10, n.y, "start", n.color, "", n.name)
	}
}

func text(b *bytes.Buffer, x, y float64, anchor, color, more, content string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s"%s>`, x, y, anchor, color, more)
	xml.EscapeText(b, []byte(content))
	b.WriteString("</text>\n")
}

// scale maps values to 0 … 1.
type scale struct {
	log       bool
	low, high float64
}

// newScale returns a scale with room for the values. A linear one begins at 0.
func newScale(a axis, values []float64) scale {
	s := scale{log: a.log, high: 1}
	if len(values) == 0 {
		values = []float64{1, 10}
	}
	low, high := slices.Min(values), slices.Max(values)
	if !a.log {
		s.high = high * 1.05
		return s
	}
	const margin = 1.15
	s.low, s.high = math.Log10(low/margin), math.Log10(high*margin)
	return s
}

func (s scale) at(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	}
	return (v - s.low) / (s.high - s.low)
}

// ticks returns round values that are on the scale.
func (s scale) ticks() (ticks []float64) {
	if !s.log {
		step := roundStep(s.high / 6)
		for v := 0.0; v <= s.high; v += step {
			ticks = append(ticks, v)
		}
		return ticks
	}
	steps := []float64{1}
	if s.high-s.low < 2.5 {
		steps = []float64{1, 2, 5}
	}
	for e := math.Floor(s.low); e <= s.high; e++ {
		for _, m := range steps {
			if v := m * math.Pow(10, e); s.at(v) >= 0 && s.at(v) <= 1 {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

// roundStep returns the smallest of 1, 2, 5, 10 … that is at least x.
func roundStep(x float64) float64 {
	e := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*e >= x {
			return m * e
		}
	}
	return 10 * e
}
