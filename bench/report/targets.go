package main

import (
	"fmt"
	"strings"
)

// target is what the library should reach, and what this run has measured.
type target struct {
	what     string
	bound    string
	measured string
	verdict  string
}

// measurement is a value that a target is about. ok is false if it was not
// measured.
type measurement struct {
	value float64
	ok    bool
}

func measured(value float64, ok bool) measurement { return measurement{value, ok} }

// atMost and atLeast judge a measurement.
func atMost(what string, bound float64, unit string, m measurement) target {
	return judge(what, "at most ", bound, unit, m, m.value <= bound)
}

func atLeast(what string, bound float64, unit string, m measurement) target {
	return judge(what, "at least ", bound, unit, m, m.value >= bound)
}

func judge(what, side string, bound float64, unit string, m measurement, met bool) target {
	t := target{what: what, bound: side + significant(bound, 4) + unit, measured: "", verdict: "not measured"}
	if !m.ok {
		return t
	}
	t.measured = significant(m.value, 4) + unit
	if t.verdict = "met"; !met {
		t.verdict = "**not met**"
	}
	return t
}

const (
	mib = 1 << 20
	// mostMemory is 32 MiB and two batches of 18 MB, in MiB.
	mostMemory = 32 + 2*18e6/mib
	// mostScan is 16 MiB and four fetches of 1.8 MB, in MiB.
	mostScan = 16 + 4*1.8e6/mib
)

func targets(r results) []target {
	large := r.of("Day", "stage=large")
	list := []target{
		atMost("traffic of a day of 2.6 GB, relative to its new bytes"+partOfDay(large), 1.02, "×", traffic(large)),
		atMost("traffic of a day of 18.6 MB, one process", 7, "×", worstServer(r.of("Day", "stage=small", "way=rotatelog"), traffic)),
		atMost("traffic of a day of 18.6 MB, one process per fetch", 7.5, "×", worstServer(r.of("Day", "stage=small", "way=processes"), traffic)),
		atMost("memory of an upload of 18 MB, at any size of the day (heap, garbage included)", mostMemory, " MiB",
			most(r.of("Upload", "batch=18MB", "link=process", "way=rotatelog").metric("heap-MiB"))),
		atMost("the same, compressed either way", mostMemory, " MiB", most(compressed(r).metric("heap-MiB"))),
		atMost("requests of an upload, less one for each 128 MiB of the day", 6, "", mostRequests(r.of("Upload", "link=slow", "way=rotatelog"))),
	}
	for _, server := range r.of("Upload").valuesOf("server") {
		list = append(list, atMost("time of an upload to a day of 0.5 GB or more, relative to GET and PUT, on loopback, "+serverName(server), 0.8, "×", uploadRatio(r, server)))
	}
	list = append(list, appendTargets(r)...)
	list = append(list, jsonTargets(r)...)
	list = append(list, readTargets(r)...)
	return append(list,
		atLeast("Zstd, an upload of 18 MB", 20, "×", measured(r.of("Compress", "compression=zstd", "batch=18MB").median("ratio"))),
		atLeast("Gzip, an upload of 18 MB", 3.5, "×", measured(r.of("Compress", "compression=gzip", "batch=18MB").median("ratio"))),
	)
}

// compressed returns what was measured of compressing batches of 18 MB.
func compressed(r results) results {
	all := r.of("Compress", "batch=18MB")
	return append(all.with("compression=zstd"), all.with("compression=gzip")...)
}

func appendTargets(r results) []target {
	ours := r.of("Append", "sync=append", "way=rotatelog", "form=verbatim", "size=2kB")
	rate := func(batch string) measurement {
		of := ours.with(batch)
		return measured(ratio(of.with("appenders=1"), of.with("appenders=64"), "ns/op"))
	}
	return []target{
		atMost("durable Append of 2 kB, verbatim, relative to a write and fsync (batches of 1,000)", 1.15, "×", added(r.of("Durable", "size=2kB"), "write-ns")),
		atMost("durable Append of 1.8 MB, verbatim, relative to that and one validation (batches of 10)", 1.25, "×", added(r.of("Durable", "size=1.8MB"), "write-ns", "check-ns")),
		atLeast("rate of 64 appenders of 2 kB, relative to one, batches of 10", 3, "×", rate("batch=10")),
		atLeast("rate of 64 appenders of 2 kB, relative to one, batches of 1,000", 12, "×", rate("batch=1000")),
	}
}

// added compares an Append with the sum of its necessary steps.
func added(durable results, needs ...string) measurement {
	var ratios []float64
	for _, r := range durable {
		sum := 0.0
		for _, unit := range needs {
			sum += r.values[unit]
		}
		if sum > 0 {
			ratios = append(ratios, r.values["append-ns"]/sum)
		}
	}
	return measured(median(ratios))
}

func jsonTargets(r results) []target {
	validate := r.of("Validate", "size=1.8MB")
	var ratios []float64
	for _, form := range validate.valuesOf("form") {
		of := validate.with("form=" + form)
		if x, ok := ratio(of.with("way=encoding-json"), of.with("way=rotatelog"), "ns/op"); ok {
			ratios = append(ratios, x)
		}
	}
	rate := func(form string) measurement {
		return measured(validate.with("form="+form, "way=rotatelog").median("MB/s"))
	}
	scan := r.of("Scan")
	allocated := r.of("Append", "size=1.8MB", "appenders=1", "way=rotatelog", "form=verbatim", "batch=1000", "sync=append")
	size, ok := copies(allocated)
	return []target{
		atLeast("speed of validating and counting 1.8 MB, relative to json.Valid", 1.4, "×", least(ratios)),
		atLeast("the same, indented, as the API sends it", 250, " MB/s", rate("indented")),
		atLeast("the same, compact", 250, " MB/s", rate("compact")),
		atMost("allocated by an Append of 1.8 MB, verbatim, relative to the record", 1.05, "×", measured(size, ok)),
		atLeast("speed of scanning, relative to encoding/json", 2.5, "×", measured(ratio(scan.with("way=encoding-json"), scan.with("way=rotatelog"), "ns/op"))),
		atMost("memory of scanning a day of 290 MB", mostScan, " MiB", measured(scan.with("way=rotatelog").median("peak-MiB"))),
	}
}

func readTargets(r results) []target {
	verify, read, one := r.of("Verify"), r.of("ReadFetches"), r.of("ReadOneUpload")
	small := verify.with("day=300MB")
	speed := func(of results, way string) measurement {
		return measured(ratio(of.with("way="+way), of.with("way=rotatelog"), "ns/op"))
	}
	return []target{
		atLeast("speed of verifying a day of 300 MB, relative to Python's json.load and a recount", 12, "×", speed(small, "python")),
		atLeast("the same, relative to jsontext's ReadValue of the same bytes", 0.6, "×", speed(small, "readvalue")),
		atMost("memory of verifying a day of up to 2.6 GB (heap, garbage included)", 48, " MiB", most(verify.with("way=rotatelog").metric("heap-MiB"))),
		atLeast("speed of reading all fetches, relative to ReadValue", 2, "×", speed(read, "readvalue")),
		atMost("requests to read one upload of a day of 2.6 GB", 12, "", most(one.metric("requests/read"))),
		atMost("bytes to read it, relative to an upload", 4, "×", most(one.metric("uploads/read"))),
	}
}

// copies returns how many copies of the record an Append allocates.
func copies(rs results) (float64, bool) {
	var values []float64
	for _, r := range rs {
		// MB/s and ns/op give the size of the record.
		if size := r.values["MB/s"] * r.values["ns/op"] / 1e3; size > 0 {
			values = append(values, r.values["B/op"]/size)
		}
	}
	return median(values)
}

// traffic returns the bytes transferred relative to the new bytes, over all uploads
// of a day.
func traffic(day results) measurement {
	sent := day.sum("new-bytes/upload")
	return measurement{day.sum("wire-bytes/upload") / sent, sent > 0}
}

// partOfDay returns a remark if a day was not measured to its end.
func partOfDay(day results) string {
	if n := len(day); n > 0 && n < wholeDay {
		return fmt.Sprintf(" (its first %d uploads)", n)
	}
	return ""
}

// wholeDay is how many uploads a whole day has: 144, and the first of the next,
// with which it is closed.
const wholeDay = 145

// worstServer returns the largest value that f measures on any server.
func worstServer(rs results, f func(results) measurement) measurement {
	var values []float64
	for _, server := range rs.valuesOf("server") {
		if m := f(rs.with("server=" + server)); m.ok {
			values = append(values, m.value)
		}
	}
	return most(values)
}

func most(values []float64) (m measurement) {
	for _, x := range values {
		if !m.ok || x > m.value {
			m = measurement{x, true}
		}
	}
	return m
}

func least(values []float64) (m measurement) {
	for _, x := range values {
		if !m.ok || x < m.value {
			m = measurement{x, true}
		}
	}
	return m
}

func mostRequests(uploads results) measurement {
	var values []float64
	for _, r := range uploads {
		values = append(values, r.values["requests/upload"]-r.values["day-bytes"]/(128*mib))
	}
	return most(values)
}

// uploadRatio returns the largest ratio to GET and PUT at any large size.
func uploadRatio(r results, server string) measurement {
	loopback := r.of("Upload", "link=loopback", "server="+server)
	var values []float64
	for _, day := range loopback.valuesOf("day") {
		of := loopback.with("day=" + day)
		x, ok := ratio(of.with("way=rotatelog"), of.with("way=getput"), "ns/op")
		if ok && bytesOf(day) >= 500e6 {
			values = append(values, x)
		}
	}
	return most(values)
}

func serverName(server string) string {
	switch server {
	case "rgw":
		return "RGW"
	case "versity":
		return "versitygw"
	case "fake":
		return "a fake server"
	}
	return strings.ToUpper(server)
}
