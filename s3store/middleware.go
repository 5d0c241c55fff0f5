package s3store

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// addChecks changes the options of one request: the key is checked, Accept-Encoding
// is not signed, and a web page is not taken for an answer.
func addChecks(o *s3.Options) {
	if o.Credentials != nil {
		o.Credentials = checkedKeys{o.Credentials}
	}
	o.APIOptions = append(slices.Clip(o.APIOptions), leaveOutEncoding, refusePages)
}

// checkedKeys refuses keys that cannot be right.
type checkedKeys struct{ aws.CredentialsProvider }

// Retrieve implements [aws.CredentialsProvider].
func (c checkedKeys) Retrieve(ctx context.Context) (aws.Credentials, error) {
	keys, err := c.CredentialsProvider.Retrieve(ctx)
	if err == nil {
		err = checkKeys(keys)
	}
	return keys, err
}

// IsCredentialsProvider reports what is known of the wrapped provider.
func (c checkedKeys) IsCredentialsProvider(target aws.CredentialsProvider) bool {
	return aws.IsCredentialsProvider(c.CredentialsProvider, target)
}

// leaveOutEncoding keeps the header Accept-Encoding out of the signature. Many
// proxies change it, and the signature would no longer match.
func leaveOutEncoding(stack *middleware.Stack) error {
	const header, signing = "Accept-Encoding", "Signing"
	var kept []string
	move := func(id string, do func(http.Header)) middleware.FinalizeMiddleware {
		return middleware.FinalizeMiddlewareFunc(id, func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
			middleware.FinalizeOutput, middleware.Metadata, error,
		) {
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				do(req.Header)
			}
			return next.HandleFinalize(ctx, in)
		})
	}
	take := move("TakeAcceptEncoding", func(h http.Header) {
		kept = h.Values(header)
		h.Del(header)
	})
	putBack := move("PutBackAcceptEncoding", func(h http.Header) {
		if kept != nil {
			h[header] = kept
		}
	})
	if err := stack.Finalize.Insert(take, signing, middleware.Before); err != nil {
		return err
	}
	return stack.Finalize.Insert(putBack, signing, middleware.After)
}

// refusePages returns an error for a web page in place of an answer. Otherwise it
// would be taken for an answer in which something is missing.
func refusePages(stack *middleware.Stack) error {
	refuse := func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
		out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
	) {
		out, metadata, err = next.HandleDeserialize(ctx, in)
		resp, ok := out.RawResponse.(*smithyhttp.Response)
		if err == nil && ok && resp.StatusCode < 300 && resp.Header.Get("ETag") == "" && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			resp.Body.Close()
			err = webPage{}
		}
		return out, metadata, err
	}
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("RefuseWebPages", refuse), middleware.After)
}
