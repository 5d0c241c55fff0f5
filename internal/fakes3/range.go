package fakes3

import (
	"fmt"
	"strconv"
	"strings"
)

// byteRange is n bytes at off.
type byteRange struct{ off, n int64 }

func (r byteRange) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", r.off, r.off+r.n-1, size)
}

// parseRange returns what a Range header selects of size bytes; nil means all of
// them. As RFC 9110 requires, a header that is not understood is ignored.
func parseRange(header string, size int64) (*byteRange, error) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return nil, nil
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return nil, nil
		}
		n = min(n, size)
		return satisfiable(size-n, n, size)
	}
	off, err := strconv.ParseInt(first, 10, 64)
	end := size - 1
	if err == nil && last != "" {
		end, err = strconv.ParseInt(last, 10, 64)
	}
	if err != nil || last != "" && end < off {
		return nil, nil
	}
	return satisfiable(off, min(end, size-1)-off+1, size)
}

func satisfiable(off, n, size int64) (*byteRange, error) {
	if n <= 0 || off >= size {
		return nil, errInvalidRange
	}
	return &byteRange{off, n}, nil
}
