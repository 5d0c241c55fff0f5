package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample is what a short run prints.
const sample = `date: 2025-07-10
go: go1.26.0
goos: linux
BenchmarkUpload/day=64MB/server=rgw/batch=18MB/link=slow/way=rotatelog-2   	2	1000000000 ns/op	18000000 new-bytes/upload	6.000 requests/upload	1.001 wire-bytes/new-byte	1073741824 day-bytes
BenchmarkUpload/day=1GB/server=rgw/batch=18MB/link=slow/way=rotatelog-2   	2	5000000000 ns/op	18000000 new-bytes/upload	13.00 requests/upload	1.001 wire-bytes/new-byte	1073741824 day-bytes
BenchmarkUpload/day=1GB/server=rgw/batch=18MB/link=loopback/way=rotatelog-2   	2	4000000000 ns/op
BenchmarkUpload/day=1GB/server=rgw/batch=18MB/link=loopback/way=getput-2   	2	8000000000 ns/op
BenchmarkUpload/day=1GB/server=versity/batch=18MB/link=loopback/way=rotatelog-2   	2	9000000000 ns/op
BenchmarkUpload/day=1GB/server=versity/batch=18MB/link=loopback/way=getput-2   	2	10000000000 ns/op
    upload_test.go:1: a line of a log
round: 1
BenchmarkScan/way=rotatelog-2         	1	100 ns/op	500.00 MB/s	4.0 peak-MiB
BenchmarkScan/way=encoding-json-2     	1	200 ns/op	250.00 MB/s	9.0 peak-MiB
round: 2
BenchmarkScan/way=rotatelog-2         	1	100 ns/op	500.00 MB/s	4.0 peak-MiB
BenchmarkScan/way=encoding-json-2     	1	400 ns/op	125.00 MB/s	9.0 peak-MiB
round: 3
BenchmarkScan/way=rotatelog-2         	1	1000 ns/op	50.00 MB/s	4.0 peak-MiB
BenchmarkScan/way=encoding-json-2     	1	3000 ns/op	15.00 MB/s	9.0 peak-MiB
PASS
`

func readSample(t *testing.T) run {
	t.Helper()
	r, err := read(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReadResults(t *testing.T) {
	r := readSample(t)
	if r.info["date"] != "2025-07-10" || r.info["go"] != "go1.26.0" || len(r.results) != 12 {
		t.Errorf("%v, %d results", r.info, len(r.results))
	}
	first := r.results[0]
	if first.name != "Upload" || first.keys["way"] != "rotatelog" || first.keys["day"] != "64MB" || first.values["wire-bytes/new-byte"] != 1.001 {
		t.Errorf("%+v", first)
	}
	if last := r.results[len(r.results)-1]; last.round != 3 {
		t.Errorf("%+v", last)
	}
	if _, err := read(strings.NewReader("PASS\n")); err == nil {
		t.Error("a run without results is one")
	}
}

func TestTargetsAreJudged(t *testing.T) {
	verdicts := map[string]target{}
	for _, x := range targets(readSample(t).results) {
		verdicts[x.what] = x
	}
	for what, want := range map[string]target{
		// Medians of the ratios in each round, not ratios of medians.
		"speed of scanning, relative to encoding/json":                                                  {bound: "at least 2.5×", measured: "3×", verdict: "met"},
		"requests of an upload, less one for each 128 MiB of the day":                                   {bound: "at most 6", measured: "5", verdict: "met"},
		"time of an upload to a day of 0.5 GB or more, relative to GET and PUT, on loopback, RGW":       {bound: "at most 0.8×", measured: "0.5×", verdict: "met"},
		"time of an upload to a day of 0.5 GB or more, relative to GET and PUT, on loopback, versitygw": {bound: "at most 0.8×", measured: "0.9×", verdict: "**not met**"},
		"Zstd, an upload of 18 MB": {bound: "at least 20×", verdict: "not measured"},
	} {
		want.what = what
		if got := verdicts[what]; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// TestReportOfAnIncompleteRun: the page and the plots are made also of a run that is not whole.
func TestReportOfAnIncompleteRun(t *testing.T) {
	dir := t.TempDir()
	if err := report(strings.NewReader(sample), dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "BENCHMARKS.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range charts(readSample(t)) {
		svg, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		checkXML(t, name, svg)
		if !bytes.Contains(page, []byte("("+name+")")) {
			t.Errorf("the page does not show %s", name)
		}
	}
	if !bytes.Contains(page, []byte("| 1 GB, 18 MB |")) {
		t.Error("the page lacks a row")
	}
}

func checkXML(t *testing.T, name string, text []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for _, test := range [][2]string{
		{significant(1234567, 3), "1,230,000"}, {significant(1.0006, 4), "1.001"}, {significant(0.0451, 3), "0.0451"},
		{duration(1.5e9), "1.5 s"}, {duration(2.25e6), "2.25 ms"}, {byteSize(2.6e9), "2.6 GB"}, {spaced("130kB"), "130 kB"},
	} {
		if test[0] != test[1] {
			t.Errorf("got %s, want %s", test[0], test[1])
		}
	}
	if bytesOf("2.5GB") != 2.5e9 || bytesOf("18MB") != 18e6 {
		t.Error(bytesOf("2.5GB"), bytesOf("18MB"))
	}
}
