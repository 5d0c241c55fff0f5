package archive

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.com/rotatelog/internal/rawjson"
)

// Condition is what a row must have at a path.
//
// A string must be the Value letter for letter, and a number must be equal to it: 5 is
// equal to 5, 5.0 and "5". The values true and false are what they are called, null
// is also what is missing, and an array or an object must be the same text without white
// space.
type Condition struct {
	Path  []string
	Value string
}

// ParseCondition parses PATH=VALUE.
func ParseCondition(text string) (Condition, error) {
	path, value, ok := strings.Cut(text, "=")
	if !ok {
		return Condition{}, fmt.Errorf("%q is no condition: use PATH=VALUE, as in status_id=2", text)
	}
	names, err := ParsePath(path)
	return Condition{names, value}, err
}

// ParsePath parses names of members with dots between them.
func ParsePath(text string) ([]string, error) {
	names := strings.Split(text, ".")
	if slices.Contains(names, "") {
		return nil, fmt.Errorf("%q is not a path: use names with dots between them, as in RAW_API_DATA.live_matches.results", text)
	}
	return names, nil
}

// holds reports whether the condition is met by a value, which is nil if it is missing.
func (c Condition) holds(value []byte) bool {
	if value == nil {
		return c.Value == "null"
	}
	switch value[0] {
	case '"':
		s, err := rawjson.Unquote(value)
		return err == nil && s == c.Value
	case 't', 'f', 'n', '{', '[':
		return string(value) == c.Value
	}
	if string(value) == c.Value {
		return true
	}
	a, ok := parseDecimal(string(value))
	if !ok {
		return false
	}
	b, ok := parseDecimal(c.Value)
	return ok && a == b
}

// decimal is a number, exactly: equal numbers are equal decimals.
type decimal struct {
	minus    bool
	digits   string // without zeros at either end
	exponent int64  // of ten, by which the digits are multiplied
}

// parseDecimal parses a number as JSON has it.
func parseDecimal(text string) (d decimal, ok bool) {
	rest, minus := strings.CutPrefix(text, "-")
	whole, rest := cutDigits(rest)
	if whole == "" || len(whole) > 1 && whole[0] == '0' {
		return d, false
	}
	fraction := ""
	if after, ok := strings.CutPrefix(rest, "."); ok {
		if fraction, rest = cutDigits(after); fraction == "" {
			return d, false
		}
	}
	if rest != "" {
		if rest[0] != 'e' && rest[0] != 'E' {
			return d, false
		}
		n, err := strconv.ParseInt(rest[1:], 10, 32)
		if err != nil {
			return d, false
		}
		d.exponent = n
	}
	d.exponent -= int64(len(fraction))
	digits := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(digits, "0")
	d.exponent += int64(len(digits) - len(d.digits))
	if d.minus = minus; d.digits == "" {
		return decimal{}, true
	}
	return d, true
}

// cutDigits cuts the digits off the front.
func cutDigits(text string) (digits, rest string) {
	rest = strings.TrimLeft(text, "0123456789")
	return text[:len(text)-len(rest)], rest
}
