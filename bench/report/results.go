package main

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// run is what one run of ./run has printed.
type run struct {
	info    map[string]string // about the machine, by "name: value" lines
	results results
}

// result is one line that a benchmark has printed.
type result struct {
	name   string            // such as Upload
	keys   map[string]string // such as server: rgw
	values map[string]float64
	round  int // in which of the repetitions, from 0
}

type results []result

// cores is the suffix that go test appends to the name of a benchmark.
var cores = regexp.MustCompile(`-\d+$`)

// read reads lines of the format that go test -bench prints. A line "round: 2"
// says to which repetition those after it belong.
func read(in io.Reader) (run, error) {
	r := run{info: map[string]string{}}
	round := 0
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		if res, ok := parse(line); ok {
			res.round = round
			r.results = append(r.results, res)
		} else if name, value, ok := strings.Cut(line, ": "); ok && !strings.ContainsAny(name, " \t") {
			r.info[name] = value
			if name == "round" {
				round, _ = strconv.Atoi(value)
			}
		}
	}
	if len(r.results) == 0 {
		return run{}, errors.Join(lines.Err(), errors.New("there are no results"))
	}
	return r, lines.Err()
}

func parse(line string) (result, bool) {
	f := strings.Fields(line)
	name, ok := strings.CutPrefix(line, "Benchmark")
	if !ok || len(f) < 4 || len(f)%2 != 0 {
		return result{}, false
	}
	elems := strings.Split(cores.ReplaceAllString(strings.Fields(name)[0], ""), "/")
	res := result{name: elems[0], keys: map[string]string{}, values: map[string]float64{}}
	for _, e := range elems[1:] {
		key, value, _ := strings.Cut(e, "=")
		res.keys[key] = value
	}
	for i := 2; i < len(f); i += 2 {
		x, err := strconv.ParseFloat(f[i], 64)
		if err != nil {
			return result{}, false
		}
		res.values[f[i+1]] = x
	}
	return res, true
}

// of returns the results of a benchmark that have the keys, each as "key=value".
func (rs results) of(name string, keys ...string) (found results) {
	for _, r := range rs {
		if r.name == name && r.has(keys) {
			found = append(found, r)
		}
	}
	return found
}

// with returns those that have the keys.
func (rs results) with(keys ...string) (found results) {
	for _, r := range rs {
		if r.has(keys) {
			found = append(found, r)
		}
	}
	return found
}

func (r result) has(keys []string) bool {
	for _, k := range keys {
		key, value, _ := strings.Cut(k, "=")
		if r.keys[key] != value {
			return false
		}
	}
	return true
}

// values of a key, in the order of their first results.
func (rs results) valuesOf(key string) (values []string) {
	for _, r := range rs {
		if v, ok := r.keys[key]; ok && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

// metric returns the values of a metric.
func (rs results) metric(unit string) (values []float64) {
	for _, r := range rs {
		if x, ok := r.values[unit]; ok {
			values = append(values, x)
		}
	}
	return values
}

// median returns the median of a metric, and false if there is none.
func (rs results) median(unit string) (float64, bool) { return median(rs.metric(unit)) }

func (rs results) sum(unit string) (total float64) {
	for _, x := range rs.metric(unit) {
		total += x
	}
	return total
}

func median(values []float64) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2, true
}

// ratio returns the median, over the rounds that have both, of f of a metric of a and
// of b.
func ratio(a, b results, unit string) (float64, bool) {
	var ratios []float64
	for round := range rounds {
		x, ok1 := a.inRound(round).median(unit)
		y, ok2 := b.inRound(round).median(unit)
		if ok1 && ok2 && y > 0 {
			ratios = append(ratios, x/y)
		}
	}
	return median(ratios)
}

const rounds = 100 // at most

func (rs results) inRound(n int) (found results) {
	for _, r := range rs {
		if r.round == n {
			found = append(found, r)
		}
	}
	return found
}
