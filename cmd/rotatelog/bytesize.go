package main

import (
	"fmt"
	"strconv"
	"strings"
)

// byteSize is the value of a flag such as 2TB or 5GiB.
type byteSize int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (b *byteSize) UnmarshalText(text []byte) error {
	units := []struct {
		name  string
		bytes float64
	}{
		{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20},
		{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"", 1},
	}
	for _, u := range units {
		number, ok := strings.CutSuffix(string(text), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if size := n * u.bytes; err == nil && size >= 1 && size < 1<<62 {
			*b = byteSize(size)
			return nil
		}
		break
	}
	return fmt.Errorf("%q is not a size such as 2TB or 5GiB", text)
}
