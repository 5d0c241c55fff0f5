package main

import (
	"context"
	"fmt"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/days"
	"example.com/rotatelog/internal/format"
)

// usage is what an average day of a bucket takes.
type usage struct {
	days      int     // that were looked at
	bytes     float64 // of the object
	uploads   float64
	put, get  float64 // requests, as a price list has them: a list costs as much as a PUT
	sent      float64 // bytes, by the Writer
	rewritten float64 // bytes of all versions of the object, from the first upload to the last
}

const (
	copiedAtOnce = 128 << 20 // bytes, by one request
	small        = 5 << 20   // a day below is sent whole with each upload

	// What status and the daily proof of conditions take, for each stream.
	statusRuns  = 24 * 60 / 5
	statusHeads = 15
	proof       = 20
)

// add adds a day.
func (u *usage) add(d rotatelog.DayMetadata) {
	size, uploads := float64(d.Size), float64(d.Totals.Uploads)
	u.bytes += size
	u.uploads += uploads
	u.rewritten += size * (uploads + 1) / 2
	u.get += 2*uploads + statusRuns*statusHeads
	u.put += uploads + statusRuns + proof
	if size < small {
		u.sent += size * (uploads + 1) / 2
		return
	}
	u.put += uploads * (3 + size/2/copiedAtOnce) // multipart uploads, of a day that grows
	whole := uploads * small / size              // uploads to a day that was small still
	u.sent += size + whole*small/2
}

// averaged returns the average of n days.
func (u usage) averaged(n int) usage {
	f := 1 / float64(n)
	return usage{n, u.bytes * f, u.uploads * f, u.put * f, u.get * f, u.sent * f, u.rewritten * f}
}

// average looks at the last seven whole days.
func (b *bucketSetup) average(ctx context.Context, today rotatelog.Day) (usage, error) {
	week, err := days.Parse([]string{"7d"}, today)
	if err != nil {
		return usage{}, err
	}
	span := week.Spans()[0]
	var sum usage
	seen := map[rotatelog.Day]bool{}
	for _, s := range b.streams {
		archive, err := s.archiveAt(b.place)
		if err != nil {
			return usage{}, err
		}
		for d, err := range archive.Days(ctx, span.First, span.Last) {
			if err != nil {
				return usage{}, err
			}
			sum.add(d)
			seen[d.Totals.Day] = true
		}
	}
	if len(seen) == 0 {
		return usage{}, nil
	}
	return sum.averaged(len(seen)), nil
}

const (
	month = 30 // days
	year  = 365
	reads = 2 // of each day: by verify the next day, and by verify 7d
)

// printEstimate prints what a month takes if all days are kept.
func (b *bucketSetup) printEstimate() {
	a, u := b.app, b.usage
	switch {
	case b.unknown != "":
		a.paragraph("Not known yet: " + b.unknown + ".")
		return
	case b.unread != nil:
		a.paragraph("Not known: " + withoutRequest(b.unread.Error(), b.unread) + ".")
		return
	case u.days == 0:
		a.paragraph("There is no object of the last seven days yet. After the first whole day this says what a month takes.")
		return
	}
	a.printf("  a day     %s, %.0f uploads, on average of %s\n", format.Bytes(int64(u.bytes)), u.uploads, format.Plural(u.days, "day", "days"))
	a.println("  a month")
	a.printf("    requests  %s that write or list, %s that read\n", format.Count(int64(month*u.put)), format.Count(int64(month*u.get)))
	a.printf("    sent      %s\n", format.Bytes(int64(month*u.sent)))
	a.printf("    read      %s, by verify each day and verify 7d each week\n", format.Bytes(int64(reads*month*u.bytes)))
	a.println("  stored, if all days are kept")
	for _, kept := range []struct {
		text string
		days float64
	}{{"month", month}, {"year", year}} {
		bytes := u.bytes * kept.days
		line := fmt.Sprintf("    after a %-5s %s", kept.text, format.Bytes(int64(bytes)))
		if p := b.provider.prices; p != nil {
			line += fmt.Sprintf(", $%.2f a month", p.month(bytes, u))
		}
		a.println(line)
	}
	if b.provider.prices != nil {
		a.paragraph("Prices are those of a list of 2025, without traffic: check the list of your provider.")
	}
}

// month returns the price of a month with so many bytes.
func (p *prices) month(bytes float64, u usage) float64 {
	more := max(0, bytes/1e9-p.included)
	return p.least + more*p.gigabyte + month*(u.put*p.put+u.get*p.get)/1000
}
