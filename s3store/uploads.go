package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The requests of a multipart upload.

// copySource escapes everything, since servers differ in what a plus means. The
// objects of an access point have names of their own.
func copySource(bucket, key string) string {
	if strings.HasPrefix(bucket, "arn:") {
		bucket += "/object"
	}
	return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(bucket + "/" + key))
}

func (s *Store) createUpload(ctx context.Context, key string, meta map[string]string) (id string, err error) {
	in := &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key, Metadata: meta, ContentType: aws.String(contentTypeOf(key))}
	if s.opts.Encrypt {
		in.ServerSideEncryption = types.ServerSideEncryptionAes256
	}
	// It is not retried: nobody would know of the first upload.
	out, err := s.client.CreateMultipartUpload(ctx, in, s.withoutRetries)
	if err != nil {
		return "", err
	}
	switch {
	case aws.ToString(out.UploadId) == "":
		return "", errors.New("the server does not say the UploadId")
	case s.opts.Encrypt && out.ServerSideEncryption == "", s.opts.EncryptionKey != nil && out.SSECustomerKeyMD5 == nil:
		return "", errors.Join(notEncrypted(), s.abortUpload(ctx, key, *out.UploadId))
	}
	return *out.UploadId, nil
}

func (s *Store) uploadPart(ctx context.Context, key, upload string, number int32, body content, opts ...func(*s3.Options)) (etag string, err error) {
	in := &s3.UploadPartInput{
		Bucket: &s.bucket, Key: &key, UploadId: &upload, PartNumber: &number,
		Body: body, ContentLength: &body.size, ContentMD5: &body.sum,
	}
	out, err := s.client.UploadPart(ctx, in, opts...)
	if err != nil {
		return "", err
	}
	return partETag(out.ETag)
}

// partETag returns the ETag of a part as Complete needs it: a proxy that compresses
// makes it a weak one, which the server does not know.
func partETag(etag *string) (string, error) {
	e := strings.TrimPrefix(strings.TrimSpace(aws.ToString(etag)), "W/")
	if strings.Trim(e, `"`) == "" {
		return "", errors.New("the server does not say which ETag a part has")
	}
	return e, nil
}

// copyPart has the server copy a part from a version of an object. RGW does not check
// the version.
func (s *Store) copyPart(ctx context.Context, key, upload string, number int32, from origin, r byteRange, opts ...func(*s3.Options)) (etag string, err error) {
	in := &s3.UploadPartCopyInput{
		Bucket: &s.bucket, Key: &key, UploadId: &upload, PartNumber: &number,
		CopySource:      aws.String(copySource(s.bucket, from.key)),
		CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", r.off, r.off+r.n-1)),
	}
	if from.version != "" {
		in.CopySourceIfMatch = aws.String(string(from.version))
	}
	out, err := s.client.UploadPartCopy(context.WithValue(ctx, stallLimitKey{}, serverWork), in, opts...)
	if err != nil {
		return "", err
	}
	if out.CopyPartResult == nil {
		return "", errors.New("the server does not say the ETag of the part that it copied")
	}
	return partETag(out.CopyPartResult.ETag)
}

func (s *Store) completeUpload(ctx context.Context, key, upload string, etags []string, change func(*s3.CompleteMultipartUploadInput)) error {
	in := &s3.CompleteMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &upload, MultipartUpload: &types.CompletedMultipartUpload{}}
	for i, etag := range etags {
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{ETag: &etag, PartNumber: aws.Int32(int32(i + 1))})
	}
	if change != nil {
		change(in)
	}
	_, err := s.client.CompleteMultipartUpload(context.WithValue(ctx, stallLimitKey{}, serverWork), in, s.withoutRetries)
	return err
}

func (s *Store) abortUpload(ctx context.Context, key, upload string) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &upload}, s.withRetries)
	return err
}

// listParts returns the ETags of the parts of an upload.
func (s *Store) listParts(ctx context.Context, key, upload string) (etags []string, err error) {
	pages := s3.NewListPartsPaginator(s.client, &s3.ListPartsInput{Bucket: &s.bucket, Key: &key, UploadId: &upload})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, s.withRetries)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Parts {
			etags = append(etags, strings.Trim(aws.ToString(p.ETag), `"`))
		}
	}
	return etags, nil
}

// hasEnded reports whether an upload was completed or aborted. RGW says so in other
// words than the rest.
func (s *Store) hasEnded(ctx context.Context, u multipart) (bool, error) {
	_, err := s.listParts(ctx, u.Key, u.Upload)
	if isNoSuchUpload(err) || isNoSuchKey(err) {
		return true, nil
	}
	return false, err
}

// listUploads returns all open uploads below a prefix, or of a key, and the
// server's time.
func (s *Store) listUploads(ctx context.Context, prefix string) (uploads []types.MultipartUpload, now time.Time, err error) {
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, s.withRetries)
		if isNoSuchUpload(err) { // this is how some servers say that there is none
			return nil, time.Time{}, nil
		}
		if err != nil {
			return nil, time.Time{}, err
		}
		uploads = slices.Concat(uploads, page.Uploads)
		now, _ = awsmiddleware.GetServerTime(page.ResultMetadata)
	}
	return uploads, now, nil
}
