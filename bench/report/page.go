package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"
)

//go:embed page.md.tmpl
var pageText string

// page returns docs/BENCHMARKS.md.
func page(r run) ([]byte, error) {
	tables := map[string]func(results) string{
		"targets": targetTable, "uploads": uploadTable, "days": dayTable, "large": largeTable, "memory": memoryTable,
		"appends": appendTable, "allocs": allocTable, "syncs": syncTable, "json": jsonTable, "opens": openTable, "compress": compressTable,
	}
	t, err := template.New("page").Option("missingkey=error").Funcs(template.FuncMap{
		"table":   func(name string) string { return tables[name](r.results) },
		"info":    func(name string) string { return r.info[name] },
		"copying": func() string { return copying(r.results) },
		"year":    func() string { return year(r.results) },
		"sealing": func() string { return sealing(r.results) },
		"durable": func() string { return durable(r.results) },
	}).Parse(pageText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, nil)
	return b.Bytes(), err
}

// copying says what the server's copying costs at the largest size.
func copying(r results) string {
	text := ""
	for _, server := range r.of("Upload").valuesOf("server") {
		all := r.of("Upload", "link=loopback", "batch=18MB", "way=rotatelog", "server="+server)
		days := all.valuesOf("day")
		if len(days) == 0 {
			continue
		}
		day := days[len(days)-1]
		ns, _ := all.with("day=" + day).median("ns/op")
		rate := bytesOf(day) / ns * 1e9
		const bytesADay = 144 * 1.3e9 // copied in a day of 144 uploads that ends with 2.6 GB
		text += fmt.Sprintf("On %s an upload to a day of %s takes %s, which is %s of the day a second; 144 uploads to a day that grows to 2.6 GB keep it copying for about %.0f minutes, spread over the day.\n",
			serverName(server), spaced(day), duration(ns), byteSize(rate), bytesADay/rate/60)
	}
	return text
}

// durable says what an Append costs besides the disk, at each size.
func durable(r results) string {
	text := ""
	for _, size := range r.of("Durable").valuesOf("size") {
		of := r.of("Durable", "size="+size)
		took, _ := of.median("append-ns")
		write, _ := of.median("write-ns")
		check, _ := of.median("check-ns")
		var others []float64
		for _, run := range of {
			others = append(others, run.values["append-ns"]-run.values["write-ns"]-run.values["check-ns"])
		}
		other, _ := median(others)
		text += fmt.Sprintf("An Append of %s takes %s: a write and fsync %s, checking the fetch %s, the rest %s (medians of %d).\n",
			spaced(size), duration(took), duration(write), duration(check), duration(other), len(of))
	}
	return text
}

// sealing says what the disk takes for sealing.
func sealing(r results) string {
	create, ok1 := r.of("Sealing", "step=create").median("ns/op")
	seal, ok2 := r.of("Sealing", "step=all").median("ns/op")
	if !ok1 || !ok2 {
		return ""
	}
	return fmt.Sprintf("Sealing a batch takes at least %s on this disk: a second name for the file, a new file in its place (%s to create it), "+
		"and two directory syncs. A batch whose fetches all arrive at once, each from its own appender, is written "+
		"directly to `pending/`, and needs only one directory sync.", duration(seal), duration(create))
}

func year(r results) string {
	all := r.of("Year")
	days := all.valuesOf("days")
	if len(days) == 0 {
		return "A year was not measured."
	}
	ns, _ := all.median("ns/op")
	fetches, _ := all.median("fetches/op")
	uploads, _ := all.median("uploads/op")
	return fmt.Sprintf("%s days of a fetch a minute, %s fetches and %s uploads, took %s, which is %s a fetch. "+
		"The clock was moved by hand; each day's object was checked to have all its fetches. The spool was in memory, and the store copied by reference.",
		days[0], significant(fetches, 6), significant(uploads, 6), duration(ns), duration(ns/fetches))
}
