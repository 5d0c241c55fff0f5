package main

import (
	"fmt"
	"slices"
	"strings"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/rawjson"
)

// countIfThere returns what counts as another rule does, by a path, but for fetches that
// have nothing there: these it cannot count.
func countIfThere(path string, count rotatelog.CountFunc) rotatelog.CountFunc {
	names := strings.Split(path, ".")
	return func(fetch []byte) (int64, error) {
		n, err := count(fetch)
		if err != nil || n != 0 {
			return n, err
		}
		if value, err := rawjson.Lookup(fetch, names...); err != nil || value == nil {
			return 0, fmt.Errorf("it has no %s", path)
		}
		return 0, nil
	}
}

// countAt returns what counts by the array, or the number, at a path such as
// RAW_API_DATA.live_matches.results.
func countAt(path string) (rotatelog.CountFunc, error) {
	names := strings.Split(path, ".")
	if slices.Contains(names, "") {
		return nil, fmt.Errorf("%q is not a path: use names with dots between them, as in RAW_API_DATA.live_matches.results", path)
	}
	array, number := rotatelog.CountArray(names...), rotatelog.CountMember(names...)
	return func(fetch []byte) (int64, error) {
		n, err := array(fetch)
		if err == nil {
			return n, nil
		}
		if n, err = number(fetch); err == nil {
			return n, nil
		}
		return 0, fmt.Errorf("%s is neither an array nor a number in digits", path)
	}, nil
}
