package main

import (
	"context"
	"errors"
	"fmt"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/days"
	"example.com/rotatelog/internal/format"
)

// usage is what an average day of a bucket takes.
type usage struct {
	days     int // that were looked at
	bytes    float64
	uploads  float64
	put, get float64 // requests
}

// add adds a day, of so many.
func (u *usage) add(d rotatelog.DayMetadata) {
	const part = 128 << 20 // is copied by one request
	size, uploads := float64(d.Size), float64(d.Totals.Uploads)
	u.bytes += size
	u.uploads += uploads
	u.get += 2 * uploads
	if u.put += uploads; d.Size >= 5<<20 { // multipart uploads, of a day that grows
		u.put += uploads * (3 + size/2/part)
	}
}

// averaged returns the average of n days.
func (u usage) averaged(n int) usage {
	f := 1 / float64(n)
	return usage{n, u.bytes * f, u.uploads * f, u.put * f, u.get * f}
}

// usage looks at the last seven whole days.
func (b *bucketSetup) usage(ctx context.Context, today rotatelog.Day) (usage, error) {
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

// printCost prints what the days will cost if all are kept.
func (b *bucketSetup) printCost(ctx context.Context, a *app) error {
	a.println(a.out.paint(bold, "cost"))
	u, err := b.usage(ctx, a.today())
	if _, noKey := errors.AsType[*coded](err); noKey {
		a.paragraph("Not known yet: " + err.Error() + ".")
		return nil
	}
	if err != nil {
		return err
	}
	if u.days == 0 {
		a.paragraph("There is no object of the last seven days yet. After the first whole day this says what the days will cost.")
		return nil
	}
	a.printf("  a day, of %s  %s, %.0f uploads, about %s requests\n", format.Plural(u.days, "day", "days"),
		format.Bytes(int64(u.bytes)), u.uploads, format.Count(int64(u.put+u.get)))
	for _, kept := range []struct {
		text string
		days float64
	}{{"after a month", 30}, {"after a year", 365}} {
		bytes := u.bytes * kept.days
		line := fmt.Sprintf("  %-15s %s", kept.text, format.Bytes(int64(bytes)))
		if p := b.provider.prices; p != nil {
			line += fmt.Sprintf(", $%.2f a month", p.month(bytes, u))
		}
		a.println(line)
	}
	a.paragraph("If all days are kept. Prices are those of a list of 2025, without what is read by others: check the list of your provider.")
	return nil
}

// month returns the price of a month with so many bytes.
func (p *prices) month(bytes float64, u usage) float64 {
	const days = 30
	more := max(0, bytes/1e9-p.included)
	return p.least + more*p.gigabyte + days*(u.put*p.put+u.get*p.get)/1000
}
