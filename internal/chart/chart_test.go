package chart_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/internal/chart"
	"example.com/rotatelog/internal/format"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func count(v float64) string { return format.Count(int64(v)) }

// week is a chart with all that there is.
func week() chart.Chart {
	none := math.NaN()
	return chart.Chart{
		ID: "week", Title: "Match records a day", Desc: "One day has no object.", Format: count,
		Labels: []string{"07/03", "07/04", "07/05", "07/06", "07/07", "07/08", "07/09"},
		Series: []chart.Series{
			{Name: "7 days", Values: []float64{64801, 70112, none, 101377, 0, none, 48000}},
			{Name: "before", Kind: chart.Line, Values: []float64{60000, none, 90000, 91000, none, none, 1}},
		},
		Bands: []chart.Band{{Place: 2, Class: "missing", Text: "07/05: no object"}, {Place: 5, Class: "odd", Text: "07/08: not known"}},
	}
}

// elements returns the elements of a chart with their attributes and text, and fails if it
// is not XML, which is stricter than HTML.
func elements(t *testing.T, svg string) (all []xml.StartElement, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, text
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			all = append(all, token.Copy())
		case xml.CharData:
			text += string(token)
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func TestChartIsDrawn(t *testing.T) {
	got := week().SVG()
	golden := filepath.Join("testdata", "week.svg")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A number is a bar as high as its share, and where there is none, there is no bar: not one
// of 0, which would say that nothing was fetched.
func TestBarsAreAsHighAsTheirNumbers(t *testing.T) {
	all, _ := elements(t, week().SVG())
	var heights []float64
	for _, e := range all {
		if e.Name.Local == "rect" && attr(e, "class") == "" {
			var h float64
			fmt.Sscan(attr(e, "height"), &h)
			heights = append(heights, h)
		}
	}
	if len(heights) != 5 || heights[3] != 0 || heights[2] > 250 {
		t.Fatalf("heights %v", heights)
	}
	for i, v := range []float64{64801, 70112, 101377} {
		if share := heights[i] / heights[2]; math.Abs(share-v/101377) > 0.005 {
			t.Errorf("bar %d is %.3f of the largest", i, share)
		}
	}
}

// A line does not lead across a place without a number.
func TestLineIsBroken(t *testing.T) {
	all, _ := elements(t, week().SVG())
	for _, e := range all {
		if e.Name.Local == "path" {
			if d := attr(e, "d"); strings.Count(d, "M") != 3 || strings.Count(d, "L") != 1 || strings.Contains(d, "NaN") {
				t.Errorf("%s", d)
			}
			return
		}
	}
	t.Error("there is no line")
}

func TestChartSaysWhatItShows(t *testing.T) {
	svg := week().SVG()
	all, text := elements(t, svg)
	if root := all[0]; attr(root, "role") != "img" || attr(root, "aria-labelledby") != "week-title week-desc" {
		t.Errorf("%v", root)
	}
	for _, want := range []string{"Match records a day", "One day has no object.", "07/05: no object", "07/03: 64,801 (7 days)", "07/08: not known"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said", want)
		}
	}
	for _, class := range []string{"chart-missing", "chart-unknown"} {
		if strings.Count(svg, class) != 1 {
			t.Errorf("no place is %s", class)
		}
	}
}

// A page with a strict Content-Security-Policy takes no style attributes, and nothing that
// comes from outside may become markup.
func TestNothingBecomesMarkup(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	c := week()
	c.ID, c.Title, c.Desc, c.Labels[0], c.Series[0].Name, c.Series[1].Name, c.Bands[0].Text, c.Bands[0].Class = evil, evil, evil, evil, evil, evil, evil, evil
	c.Format = func(float64) string { return evil }
	all, _ := elements(t, c.SVG())
	for _, e := range all {
		if e.Name.Local == "script" || attr(e, "style") != "" || attr(e, "href") != "" {
			t.Errorf("%v", e)
		}
	}
}

// Numbers beside the scale may be written shorter than those of the tooltips.
func TestScaleMayBeShorter(t *testing.T) {
	c := chart.Chart{ID: "c", Format: count, Series: []chart.Series{{Values: []float64{3_000_000}}}}
	c.Scale = func(v float64) string { return fmt.Sprintf("%g M", v/1_000_000) }
	if _, text := elements(t, c.SVG()); !strings.Contains(text, "\n1 M\n2 M\n3 M\n") || strings.Count(text, "3,000,000") != 1 {
		t.Errorf("%s", text)
	}
}

// Scales are of round numbers, of at most five lines, whatever the numbers are.
func TestScaleIsRound(t *testing.T) {
	for _, most := range []float64{0, 1, 3, 4, 5, 7, 9, 10, 11, 45, 99, 100, 101, 1440, 34515, 101377, 2.61e9, 9.9e15, math.NaN()} {
		c := chart.Chart{ID: "c", Format: func(v float64) string { return fmt.Sprintf("is %.0f", v) }, Series: []chart.Series{{Values: []float64{most}}}}
		_, text := elements(t, c.SVG())
		var steps []float64
		for line := range strings.Lines(text) {
			var v float64
			if n, _ := fmt.Sscanf(line, "is %g", &v); n == 1 {
				steps = append(steps, v)
			}
		}
		if !math.IsNaN(most) {
			steps = steps[1:] // the tooltip of the bar
		}
		if steps[0] != 0 {
			t.Fatalf("%g: steps %v", most, steps)
		}
		steps = steps[1:]
		if len(steps) < 1 || len(steps) > 5 || steps[len(steps)-1] < most {
			t.Fatalf("%g: steps %v", most, steps)
		}
		if digit := math.Round(steps[0] / math.Pow(10, math.Floor(math.Log10(steps[0])+1e-9))); digit != 1 && digit != 2 && digit != 5 {
			t.Errorf("%g: the first step is %g", most, steps[0])
		}
	}
}

// However many places there are, their labels do not run into each other.
func TestLabelsHaveRoom(t *testing.T) {
	for _, n := range []int{1, 7, 12, 13, 31, 53, 365, 1440} {
		c := chart.Chart{ID: "c", Format: count, Series: []chart.Series{{Values: make([]float64, n)}}}
		for i := range n {
			c.Labels = append(c.Labels, fmt.Sprint(i))
		}
		all, _ := elements(t, c.SVG())
		shown, narrow := 0, 0
		for _, e := range all {
			if attr(e, "text-anchor") != "" && attr(e, "dominant-baseline") == "" {
				if shown++; !strings.Contains(attr(e, "class"), "chart-sparse") {
					narrow++
				}
			}
		}
		if shown > 12 || narrow > 4 || shown < min(n, 6) || narrow < min(n, 2) {
			t.Errorf("%d places have %d labels, %d on a narrow screen", n, shown, narrow)
		}
	}
}

// The colors are there for light, dark and paper, and no rule of them loads anything.
func TestStyle(t *testing.T) {
	css := chart.CSS()
	for _, want := range []string{"prefers-color-scheme: dark", "@media print", ".chart-sparse"} {
		if !strings.Contains(css, want) {
			t.Errorf("there is no %s", want)
		}
	}
	if strings.Contains(css, "url(") || strings.Contains(css, "@import") {
		t.Error("the style loads something")
	}
	for _, class := range []string{"chart", "chart-bars", "chart-line", "chart-grid", "chart-text", "chart-missing", "chart-unknown"} {
		if !strings.Contains(css, "."+class+" {") || !strings.Contains(week().SVG(), `"`+class) {
			t.Errorf("the class %s is not drawn, or has no style", class)
		}
	}
}
