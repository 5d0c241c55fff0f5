package main

import "strconv"

// charts returns the plots, by the names of their files.
func charts(r run) map[string]chart {
	return map[string]chart{
		"traffic.svg":    trafficChart(r.results),
		"uploads.svg":    uploadsChart(r.results),
		"large-days.svg": largeDaysChart(r.results),
		"memory.svg":     memoryChart(r.results),
		"append.svg":     appendChart(r.results),
	}
}

func trafficChart(r results) chart {
	series := func(way, server, batch string) []point {
		return points(r.of("Upload", "link=slow", "way="+way, "server="+server, "batch="+batch), "day", "wire-bytes/new-byte")
	}
	return chart{
		title: "Bytes on the wire for each new byte",
		x:     axis{"size of the day", true, byteSize},
		y:     axis{"bytes on the wire per new byte", true, plain},
		lines: []line{
			{"the script, 130 kB", red, false, series("script", "rgw", "130kB")},
			{"the script, 18 MB", orange, false, series("script", "rgw", "18MB")},
			{"rotatelog, 130 kB", blue, false, series("rotatelog", "rgw", "130kB")},
			{"rotatelog, 18 MB", sky, false, series("rotatelog", "rgw", "18MB")},
		},
	}
}

func uploadsChart(r results) chart {
	series := func(way, server string) []point {
		return points(r.of("Day", "stage=small", "link=slow", "way="+way, "server="+server), "k", "ns/op")
	}
	return chart{
		title: "Time of the k-th upload of a day of 18.6 MB, behind the link",
		x:     axis{"k", false, plain},
		y:     axis{"seconds", true, plain},
		lines: seconds([]line{
			{"the script, RGW", red, false, series("script", "rgw")},
			{"rotatelog, RGW", blue, false, series("rotatelog", "rgw")},
			{"rotatelog, versitygw", green, false, series("rotatelog", "versity")},
		}),
	}
}

func largeDaysChart(r results) chart {
	series := func(way, server string) []point {
		return points(r.of("Upload", "link=loopback", "batch=18MB", "way="+way, "server="+server), "day", "ns/op")
	}
	return chart{
		title: "Time of an upload of 18 MB to a large day, on loopback",
		x:     axis{"size of the day", true, byteSize},
		y:     axis{"seconds", true, plain},
		lines: seconds([]line{
			{"GET and PUT, RGW", blue, true, series("getput", "rgw")},
			{"rotatelog, RGW", blue, false, series("rotatelog", "rgw")},
			{"GET and PUT, versitygw", green, true, series("getput", "versity")},
			{"rotatelog, versitygw", green, false, series("rotatelog", "versity")},
		}),
	}
}

func memoryChart(r results) chart {
	series := func(way, batch, unit string) []point {
		return points(r.of("Upload", "link=process", "server=rgw", "way="+way, "batch="+batch), "day", unit)
	}
	return chart{
		title: "Memory of a process that makes one upload",
		x:     axis{"size of the day", true, byteSize},
		y:     axis{"MiB resident at most, the program included", true, plain},
		lines: []line{
			{"the script, 130 kB", red, false, series("script", "130kB", "resident-MiB")},
			{"the script, 18 MB", orange, false, series("script", "18MB", "resident-MiB")},
			{"rotatelog, 18 MB", sky, false, series("rotatelog", "18MB", "resident-MiB")},
			{"rotatelog, 130 kB", blue, false, series("rotatelog", "130kB", "resident-MiB")},
		},
	}
}

func appendChart(r results) chart {
	durable := r.of("Append", "sync=append", "size=2kB")
	rate := func(rs results) []point {
		all := points(rs, "appenders", "ns/op")
		for i := range all {
			all[i].y = 1e9 / all[i].y
		}
		return all
	}
	return chart{
		title: "Durable appends of 2 kB",
		x:     axis{"goroutines that append", true, plain},
		y:     axis{"appends a second", true, plain},
		lines: []line{
			{"rotatelog, batches of 1,000", blue, false, rate(durable.with("way=rotatelog", "form=verbatim", "batch=1000"))},
			{"rotatelog, batches of 10", sky, false, rate(durable.with("way=rotatelog", "form=verbatim", "batch=10"))},
			{"write and fsync", grey, true, rate(durable.with("way=file"))},
			{"timberjack and Sync", orange, true, rate(durable.with("way=timberjack"))},
			{"tidwall/wal", red, true, rate(durable.with("way=wal"))},
		},
	}
}

// points returns the median of a metric for each value of a key, which is a
// number or a size.
func points(rs results, key, unit string) (all []point) {
	for _, value := range rs.valuesOf(key) {
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			x = bytesOf(value)
		}
		if y, ok := rs.with(key + "=" + value).median(unit); ok {
			all = append(all, point{x, y})
		}
	}
	return all
}

// seconds converts nanoseconds to seconds.
func seconds(lines []line) []line {
	for _, l := range lines {
		for i := range l.points {
			l.points[i].y /= 1e9
		}
	}
	return lines
}
