package s3store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/hint"
)

// OpenUploads implements [rotatelog.UploadLister]. An upload that has made the object,
// which RGW may leave open, is not among them.
func (s *Store) OpenUploads(ctx context.Context, key string) ([]rotatelog.OpenUpload, error) {
	uploads, err := s.openUploads(ctx, key)
	if err != nil {
		return nil, s.explain(ctx, "list uploads", key, err)
	}
	return uploads, nil
}

// AbortUpload implements [rotatelog.UploadLister].
func (s *Store) AbortUpload(ctx context.Context, key, id string) error {
	if err := s.abortOld(ctx, key, id); err != nil {
		return s.explain(ctx, "abort", key, err)
	}
	return nil
}

func (s *Store) openUploads(ctx context.Context, key string) (found []rotatelog.OpenUpload, err error) {
	if err := s.ready(ctx, key); err != nil {
		return nil, err
	}
	listed, now, err := s.listUploads(ctx, key) // by key, since minio does not list by a prefix
	if err != nil {
		return nil, err
	}
	for _, u := range listed {
		if aws.ToString(u.Key) != key {
			continue
		}
		if now.IsZero() {
			return nil, errors.New("the server does not say what time it is, so that the age of unfinished uploads is not known")
		}
		open, last, err := s.isOpen(ctx, u)
		if err != nil {
			return nil, err
		}
		if open {
			found = append(found, rotatelog.OpenUpload{Key: key, ID: aws.ToString(u.UploadId), Age: max(now.Sub(last), 0)})
		}
	}
	return found, nil
}

// isOpen reports whether a listed upload may still make an object, and when it was begun
// or last added to.
func (s *Store) isOpen(ctx context.Context, u types.MultipartUpload) (open bool, last time.Time, err error) {
	last = aws.ToTime(u.Initiated)
	var etags []string
	pages := s3.NewListPartsPaginator(s.client, &s3.ListPartsInput{Bucket: &s.bucket, Key: u.Key, UploadId: u.UploadId})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, s.withRetries)
		if isNoSuchUpload(err) || isNoSuchKey(err) {
			return false, last, nil
		}
		if err != nil {
			return false, last, err
		}
		for _, p := range page.Parts {
			etags = append(etags, strings.Trim(aws.ToString(p.ETag), `"`))
			if t := aws.ToTime(p.LastModified); t.After(last) {
				last = t
			}
		}
	}
	o, err := s.peek(ctx, aws.ToString(u.Key))
	if err != nil && !errors.Is(err, errAbsent) {
		return false, last, err
	}
	return len(etags) == 0 || !mayConsistOf(o.Version, etags), last, nil
}

func (s *Store) abortOld(ctx context.Context, key, id string) error {
	open, err := s.openUploads(ctx, key)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(open, func(u rotatelog.OpenUpload) bool { return u.ID == id })
	if i < 0 {
		return nil
	}
	if left := completeLasts - open[i].Age; left > 0 {
		return hint.Add(fmt.Errorf("%w: the upload %s was added to %v ago, and may still take effect", errUnresolved, id, open[i].Age.Round(time.Second)),
			"see that the Writer that began it has ended, and try again in %v", left.Round(time.Second))
	}
	return s.abort(ctx, multipart{Key: key, Upload: id})
}
