package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
)

// Script is the algorithm of the script that rotatelog replaces, without its
// mistakes: download the day, parse it, append, write it out, upload it all.
type Script struct {
	Client *s3.Client
	Bucket string
	Key    string
}

// Upload appends a batch to the day's object.
func (s Script) Upload(ctx context.Context, fetches [][]byte, now time.Time) error {
	day, err := s.download(ctx, now)
	if err != nil {
		return err
	}
	if err := appendEntry(day, fetches, now); err != nil {
		return err
	}
	body, err := json.Marshal(day)
	if err != nil {
		return err
	}
	_, err = s.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.Bucket, Key: &s.Key, Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
	}, unsigned)
	return err
}

func (s Script) download(ctx context.Context, now time.Time) (map[string]any, error) {
	out, err := s.Client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, Key: &s.Key})
	if _, absent := errors.AsType[*types.NoSuchKey](err); absent {
		return map[string]any{
			"daily_metadata": map[string]any{
				"date": now.Format("2006-01-02"), "total_uploads": 0.0, "total_matches_today": 0.0,
				"first_upload": now.Format(rotatelog.TimeLayout), "last_upload": "",
			},
			"uploads": []any{},
		}, nil
	}
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, err
	}
	var day map[string]any
	return day, json.Unmarshal(body, &day)
}

// appendEntry adds an upload to a day that was parsed.
func appendEntry(day map[string]any, fetches [][]byte, now time.Time) error {
	metadata, ok1 := day["daily_metadata"].(map[string]any)
	uploads, ok2 := day["uploads"].([]any)
	if !ok1 || !ok2 {
		return errors.New("not a daily document")
	}
	matches := 0.0
	var data []any
	for _, text := range fetches {
		var fetch map[string]any
		if err := json.Unmarshal(text, &fetch); err != nil {
			return fmt.Errorf("a fetch: %w", err)
		}
		if footer, ok := fetch["FETCH_FOOTER"].(map[string]any); ok {
			n, _ := footer["total_matches"].(float64)
			matches += n
		}
		data = append(data, fetch)
	}
	stamp := now.Format(rotatelog.TimeLayout)
	day["uploads"] = append(uploads, map[string]any{
		"upload_sequence": len(uploads) + 1, "upload_timestamp": stamp, "matches_in_upload": matches, "fetch_data": data,
	})
	total, _ := metadata["total_matches_today"].(float64)
	metadata["total_matches_today"] = total + matches
	metadata["total_uploads"] = len(uploads) + 1
	metadata["last_upload"] = stamp
	return nil
}

// GetPut is the cheapest upload that moves the whole object: one GET into memory, and
// one PUT of that and the batch. Nothing is parsed or hashed.
type GetPut struct {
	Client *s3.Client
	Bucket string
	Key    string
	Size   int64 // bytes of the object; the rest is left out
}

// Upload appends a batch to the object.
func (g GetPut) Upload(ctx context.Context, batch []byte) error {
	out, err := g.Client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &g.Bucket, Key: &g.Key, Range: aws.String(fmt.Sprintf("bytes=0-%d", g.Size-1)),
	})
	if err != nil {
		return err
	}
	defer out.Body.Close()
	body := make([]byte, g.Size, g.Size+int64(len(batch)))
	if _, err := io.ReadFull(out.Body, body); err != nil {
		return err
	}
	_, err = g.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &g.Bucket, Key: &g.Key, Body: bytes.NewReader(append(body, batch...)),
		IfMatch: aws.String(strings.Trim(aws.ToString(out.ETag), `"`)), // RGW compares the quotes, too
	}, unsigned)
	return err
}
