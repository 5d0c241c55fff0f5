// Package format writes numbers, sizes, times and text as every surface shows them: the
// terminal, a page, a mail.
package format

import (
	"fmt"
	"strconv"
	"strings"
)

// Integer is a number that Count takes.
type Integer interface{ ~int | ~int64 }

// Count returns n with a comma between thousands, as 1,440.
func Count[N Integer](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// Plural returns n with the noun for it, as "1 fetch" or "1,440 fetches".
func Plural[N Integer](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Bytes returns a size with three digits, in powers of a thousand, as 2.61 GB.
func Bytes(n int64) string {
	units := []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	if n < 1000 {
		return Plural(n, "byte", "bytes")
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	switch {
	case value < 9.995:
		return fmt.Sprintf("%.2f %s", value, units[unit])
	case value < 99.95:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", value), ".0") + " " + units[unit]
	}
	return fmt.Sprintf("%.0f %s", value, units[unit])
}
