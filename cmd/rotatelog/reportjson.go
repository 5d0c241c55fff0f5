package main

import (
	"encoding/csv"
	"io"
	"strconv"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/report"
)

// periodJSON is the line of a row of report with --json. What is not known is left out.
type periodJSON struct {
	Stream string    `json:"stream"`
	By     report.By `json:"by"`
	Whole  bool      `json:"whole"`
	sumJSON
	FirstUpload string          `json:"first_upload,omitempty"`
	LastUpload  string          `json:"last_upload,omitempty"`
	Missing     []rotatelog.Day `json:"missing,omitempty"`
	Early       []rotatelog.Day `json:"early,omitempty"`
	NotYet      []rotatelog.Day `json:"not_yet,omitempty"`
	NotKnown    []rotatelog.Day `json:"not_known,omitempty"`
	NotRead     []rotatelog.Day `json:"not_read,omitempty"`
	Before      *sumJSON        `json:"before,omitempty"`
	Change      *changeJSON     `json:"change,omitempty"`
}

// sumJSON is what there is on days.
type sumJSON struct {
	From    rotatelog.Day `json:"from"`
	To      rotatelog.Day `json:"to"`
	Days    int           `json:"days"`
	Fetches *int64        `json:"fetches,omitempty"`
	Uploads *int64        `json:"uploads,omitempty"`
	Matches *int64        `json:"match_records,omitempty"`
	Bytes   *int64        `json:"bytes,omitempty"`
}

// changeJSON is by how much there is more on a day than before: 0.05 for five percent.
type changeJSON struct {
	Fetches *float64 `json:"fetches,omitempty"`
	Uploads *float64 `json:"uploads,omitempty"`
	Matches *float64 `json:"match_records,omitempty"`
	Bytes   *float64 `json:"bytes,omitempty"`
}

func sumJSONOf(row *report.Row) sumJSON {
	s := sumJSON{From: row.First(), To: row.Last(), Days: len(row.Days)}
	counted, sized := row.Known()
	if counted {
		fetches, uploads, matches := int64(row.Fetches), int64(row.Uploads), row.Matches
		s.Fetches, s.Uploads, s.Matches = &fetches, &uploads, &matches
	}
	if sized {
		bytes := row.Bytes
		s.Bytes = &bytes
	}
	return s
}

func periodJSONOf(stream string, row *report.Row) periodJSON {
	p := periodJSON{
		Stream: stream, By: row.By, Whole: row.Whole, sumJSON: sumJSONOf(row), FirstUpload: row.FirstUpload, LastUpload: row.LastUpload,
		Missing: row.In(report.Missing), Early: row.In(report.Early), NotYet: row.In(report.NotYet), NotKnown: row.In(report.Unknown), NotRead: row.In(report.Unread),
	}
	if row.Before != nil {
		before, c := sumJSONOf(row.Before), row.Change()
		p.Before, p.Change = &before, &changeJSON{c.Fetches, c.Uploads, c.Matches, c.Bytes}
	}
	return p
}

// writeReportCSV writes the rows of reports as a table for other programs. A field of what is
// not known is empty.
func writeReportCSV(w io.Writer, reports []*report.Report) error {
	table := csv.NewWriter(w)
	table.Write([]string{"stream", "by", "from", "to", "days", "whole", "missing", "early", "not_yet", "not_known", "not_read", "fetches", "uploads", "match_records", "bytes",
		"first_upload", "last_upload", "before_from", "before_to", "before_days", "before_fetches", "before_uploads", "before_match_records", "before_bytes"})
	for _, r := range reports {
		for _, row := range r.Rows {
			p := periodJSONOf(r.Stream, row)
			fields := []string{p.Stream, string(p.By), p.From.String(), p.To.String(), strconv.Itoa(p.Days), strconv.FormatBool(p.Whole),
				strconv.Itoa(len(p.Missing)), strconv.Itoa(len(p.Early)), strconv.Itoa(len(p.NotYet)), strconv.Itoa(len(p.NotKnown)), strconv.Itoa(len(p.NotRead)),
				field(p.Fetches), field(p.Uploads), field(p.Matches), field(p.Bytes), p.FirstUpload, p.LastUpload}
			if b := p.Before; b != nil {
				fields = append(fields, b.From.String(), b.To.String(), strconv.Itoa(b.Days), field(b.Fetches), field(b.Uploads), field(b.Matches), field(b.Bytes))
			} else {
				fields = append(fields, "", "", "", "", "", "", "")
			}
			table.Write(fields)
		}
	}
	table.Flush()
	return table.Error()
}

// field returns a number for a table, "" for one that is not known.
func field(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}
