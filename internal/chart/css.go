package chart

import _ "embed"

//go:embed chart.css
var css string

// CSS returns the style of charts, for the document that has some.
func CSS() string { return css }
