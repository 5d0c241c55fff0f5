package main

import (
	"strconv"
	"strings"
)

// significant writes x with that many digits, without an exponent.
func significant(x float64, digits int) string {
	text := strconv.FormatFloat(x, 'g', digits, 64)
	if strings.Contains(text, "e") {
		y, _ := strconv.ParseFloat(text, 64)
		text = strconv.FormatFloat(y, 'f', -1, 64)
	}
	return group(text)
}

// group puts commas between thousands.
func group(text string) string {
	whole, rest, dot := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dot {
		whole += "." + rest
	}
	return whole
}

// bytesOf reads a size as the benchmarks write it, such as 2.5GB.
func bytesOf(size string) float64 {
	for unit, n := range map[string]float64{"kB": 1e3, "MB": 1e6, "GB": 1e9} {
		if number, ok := strings.CutSuffix(size, unit); ok {
			x, _ := strconv.ParseFloat(number, 64)
			return x * n
		}
	}
	x, _ := strconv.ParseFloat(strings.TrimSuffix(size, "B"), 64)
	return x
}

// spaced writes a size with a space: 2.5 GB.
func spaced(size string) string {
	n := strings.TrimRight(size, "kMGB")
	return n + " " + size[len(n):]
}

func byteSize(x float64) string {
	switch {
	case x >= 1e9:
		return significant(x/1e9, 3) + " GB"
	case x >= 1e6:
		return significant(x/1e6, 3) + " MB"
	}
	return significant(x/1e3, 3) + " kB"
}

// duration writes nanoseconds.
func duration(ns float64) string {
	switch {
	case ns >= 1e9:
		return significant(ns/1e9, 3) + " s"
	case ns >= 1e6:
		return significant(ns/1e6, 3) + " ms"
	}
	return significant(ns/1e3, 3) + " µs"
}

func plain(x float64) string { return significant(x, 3) }
