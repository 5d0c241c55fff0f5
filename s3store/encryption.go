package s3store

import (
	"context"
	"crypto/md5"
	"encoding/base64"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	customerHeader     = "X-Amz-Server-Side-Encryption-Customer-"
	copyCustomerHeader = "X-Amz-Copy-Source-Server-Side-Encryption-Customer-"
)

// customerHeaders returns the prefixes of the headers in which an operation of S3
// takes a customer's key. Operations on a bucket, DeleteObject and
// AbortMultipartUpload take none.
func customerHeaders(operation string) []string {
	switch operation {
	case "UploadPartCopy", "CopyObject":
		return []string{customerHeader, copyCustomerHeader}
	case "GetObject", "HeadObject", "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "ListParts":
		return []string{customerHeader}
	}
	return nil
}

// sendCustomerKey adds Options.EncryptionKey to a request that takes it (SSE-C). It
// does so before the request is signed.
func (s *Store) sendCustomerKey(stack *middleware.Stack) error {
	prefixes := customerHeaders(stack.ID())
	if len(prefixes) == 0 {
		return nil
	}
	sum := md5.Sum(s.opts.EncryptionKey)
	encode := base64.StdEncoding.EncodeToString
	add := func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (
		middleware.BuildOutput, middleware.Metadata, error,
	) {
		if req, ok := in.Request.(*smithyhttp.Request); ok {
			for _, prefix := range prefixes {
				req.Header.Set(prefix+"Algorithm", "AES256")
				req.Header.Set(prefix+"Key", encode(s.opts.EncryptionKey))
				req.Header.Set(prefix+"Key-Md5", encode(sum[:]))
			}
		}
		return next.HandleBuild(ctx, in)
	}
	return stack.Build.Add(middleware.BuildMiddlewareFunc("SendCustomerKey", add), middleware.After)
}
