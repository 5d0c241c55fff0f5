package main

import (
	"fmt"
	"strings"
)

// table is written as Markdown. The first column is a text, the others numbers.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// String returns the table, or says that nothing was measured.
func (t table) String() string {
	if len(t.rows) == 0 {
		return "Not measured.\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|---|%s\n", strings.Join(t.head, " | "), strings.Repeat("---:|", len(t.head)-1))
	for _, row := range t.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return b.String()
}

// cell formats the median of a metric; it is empty if there is none.
func cell(rs results, unit string, format func(float64) string) string {
	x, ok := rs.median(unit)
	if !ok {
		return ""
	}
	return format(x)
}

func digits(n int) func(float64) string {
	return func(x float64) string { return significant(x, n) }
}

func times(x float64, ok bool) string {
	if !ok {
		return ""
	}
	return significant(x, 3) + "×"
}

func targetTable(r results) string {
	t := table{head: []string{"", "target", "measured", ""}}
	for _, x := range targets(r) {
		t.add(x.what, x.bound, x.measured, x.verdict)
	}
	return t.String()
}

// uploadTable is about single uploads behind the link.
func uploadTable(r results) string {
	t := table{head: []string{"day, batch", "bytes per new byte, RGW", "versitygw", "the script", "requests", "time, RGW", "versitygw", "the script"}}
	all := r.of("Upload", "link=slow")
	for _, day := range all.valuesOf("day") {
		of := all.with("day=" + day)
		ours, script := of.with("way=rotatelog"), of.with("way=script", "server=rgw")
		rgw, versity := ours.with("server=rgw"), ours.with("server=versity")
		t.add(spaced(day)+", "+spaced(of.valuesOf("batch")[0]),
			cell(rgw, "wire-bytes/new-byte", digits(4)), cell(versity, "wire-bytes/new-byte", digits(4)), cell(script, "wire-bytes/new-byte", digits(4)),
			cell(ours, "requests/upload", plain),
			cell(rgw, "ns/op", duration), cell(versity, "ns/op", duration), cell(script, "ns/op", duration))
	}
	return t.String()
}

// dayTable is about whole days.
func dayTable(r results) string {
	t := table{head: []string{"day", "uploads", "new bytes", "bytes per new byte", "requests an upload", "2nd upload", "median", "last"}}
	all := r.of("Day")
	for _, stage := range all.valuesOf("stage") {
		for _, way := range all.valuesOf("way") {
			for _, server := range all.valuesOf("server") {
				of := all.with("stage="+stage, "way="+way, "server="+server)
				m := traffic(of)
				if !m.ok {
					continue
				}
				whole := of[:min(len(of), wholeDay-1)]
				t.add(fmt.Sprintf("%s, %s, %s", stage, serverName(server), wayName(way)), fmt.Sprint(len(of)),
					byteSize(of.sum("new-bytes/upload")), significant(m.value, 4), significant(of.sum("requests/upload")/float64(len(of)), 3),
					cell(whole[1:2], "ns/op", duration), cell(whole, "ns/op", duration), cell(whole[len(whole)-1:], "ns/op", duration))
			}
		}
	}
	return t.String()
}

func wayName(way string) string {
	switch way {
	case "rotatelog":
		return "one process"
	case "processes":
		return "one process per fetch"
	case "script":
		return "the script"
	}
	return way
}

// largeTable compares an upload with a GET and a PUT of the whole object.
func largeTable(r results) string {
	t := table{head: []string{"day", "RGW, rotatelog", "GET and PUT", "ratio", "versitygw, rotatelog", "GET and PUT", "ratio"}}
	all := r.of("Upload", "link=loopback", "batch=18MB")
	for _, day := range all.valuesOf("day") {
		row := []string{spaced(day)}
		for _, server := range []string{"rgw", "versity"} {
			of := all.with("day="+day, "server="+server)
			ours, whole := of.with("way=rotatelog"), of.with("way=getput")
			row = append(row, cell(ours, "ns/op", duration), cell(whole, "ns/op", duration), times(ratio(ours, whole, "ns/op")))
		}
		t.add(row...)
	}
	return t.String()
}

func memoryTable(r results) string {
	t := table{head: []string{"day, batch", "rotatelog: heap, MiB", "resident", "idle", "the script: heap, MiB", "resident"}}
	all := r.of("Upload", "link=process", "server=rgw")
	for _, day := range all.valuesOf("day") {
		of := all.with("day=" + day)
		ours, script := of.with("way=rotatelog"), of.with("way=script")
		t.add(spaced(day)+", "+spaced(of.valuesOf("batch")[0]),
			cell(ours, "heap-MiB", plain), cell(ours, "resident-MiB", plain), cell(ours, "idle-MiB", plain),
			cell(script, "heap-MiB", plain), cell(script, "resident-MiB", plain))
	}
	return t.String()
}

func appendTable(r results) string {
	t := table{head: []string{"fetch, goroutines", "write, fsync", "timberjack", "tidwall/wal",
		"rotatelog, batches of 10, verbatim", "of 10, indented", "of 1,000, verbatim", "of 1,000, indented"}}
	all := r.of("Append")
	for _, sync := range []string{"append", "seal"} {
		for _, size := range all.valuesOf("size") {
			for _, n := range all.valuesOf("appenders") {
				of := all.with("sync="+sync, "size="+size, "appenders="+n)
				if len(of) == 0 {
					continue
				}
				name := spaced(size) + ", " + n
				if sync == "seal" {
					name += ", without fsync"
				}
				ours := func(batch, form string) string {
					return cell(of.with("way=rotatelog", "batch="+batch, "form="+form), "ns/op", duration)
				}
				t.add(name, cell(of.with("way=file"), "ns/op", duration), cell(of.with("way=timberjack"), "ns/op", duration), cell(of.with("way=wal"), "ns/op", duration),
					ours("10", "verbatim"), ours("10", "indented"), ours("1000", "verbatim"), ours("1000", "indented"))
			}
		}
	}
	return t.String()
}

func allocTable(r results) string {
	t := table{head: []string{"fetch", "verbatim", "allocations", "indented", "allocations"}}
	all := r.of("Append", "sync=append", "appenders=1", "way=rotatelog", "batch=1000")
	for _, size := range all.valuesOf("size") {
		row := []string{spaced(size)}
		for _, form := range []string{"verbatim", "indented"} {
			of := all.with("size="+size, "form="+form)
			row = append(row, cell(of, "B/op", byteSize), cell(of, "allocs/op", plain))
		}
		t.add(row...)
	}
	return t.String()
}

func syncTable(r results) string {
	t := table{head: []string{"goroutines", "batches of 10", "batches of 1,000"}}
	all := r.of("Syncs")
	for _, n := range all.valuesOf("appenders") {
		of := all.with("appenders=" + n)
		t.add(n, cell(of.with("batch=10"), "fsyncs/append", plain), cell(of.with("batch=1000"), "fsyncs/append", plain))
	}
	return t.String()
}

func jsonTable(r results) string {
	t := table{head: []string{"", "rotatelog, MB/s", "encoding/json, MB/s", "ratio"}}
	for _, op := range []struct{ name, what string }{
		{"Validate", "validating and counting; json.Valid"}, {"Compact", "compacting; json.Compact"},
		{"Indent", "indenting; json.Indent"}, {"Scan", "scanning a day; json.Decoder"},
	} {
		all := r.of(op.name)
		add := func(name string, of results) {
			ours, plainly := of.with("way=rotatelog"), of.with("way=encoding-json")
			t.add(name, cell(ours, "MB/s", plain), cell(plainly, "MB/s", plain), times(ratio(plainly, ours, "ns/op")))
		}
		if op.name == "Scan" && len(all) > 0 {
			add(op.what, all)
		}
		for _, size := range all.valuesOf("size") {
			for _, form := range []string{"compact", "indented"} {
				add(fmt.Sprintf("%s; %s, %s", op.what, spaced(size), form), all.with("size="+size, "form="+form))
			}
		}
	}
	return t.String()
}

func openTable(r results) string {
	t := table{head: []string{"batches that wait", "Open"}}
	all := r.of("Open")
	for _, n := range all.valuesOf("pending") {
		t.add(group(n), cell(all.with("pending="+n), "ns/op", duration))
	}
	return t.String()
}

func compressTable(r results) string {
	t := table{head: []string{"batch, compression", "ratio", "MB/s", "heap, MiB", "resident"}}
	all := r.of("Compress")
	for _, batch := range all.valuesOf("batch") {
		for _, c := range all.valuesOf("compression") {
			of := all.with("batch="+batch, "compression="+c)
			t.add(spaced(batch)+", "+c, cell(of, "ratio", plain), cell(of, "MB/s", plain), cell(of, "heap-MiB", plain), cell(of, "resident-MiB", plain))
		}
	}
	return t.String()
}
