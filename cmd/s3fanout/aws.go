package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/awsapi"
	"s3fanout/internal/aws/requestbody"
)

// awsConfig loads the SDK's configuration and makes sure that there are
// credentials, so that their absence is one clear error and not one for each
// request. region is used where neither a profile nor the environment names
// one.
func awsConfig(ctx context.Context, region string) (aws.Config, error) {
	// What the SDK logs is not for who runs the command: the error says it.
	c, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(region), config.WithLogger(logging.Nop{}),
		config.WithAPIOptions([]func(*middleware.Stack) error{requestbody.Keep}))
	var noProfile config.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &noProfile):
		return aws.Config{}, usageError{fmt.Errorf("AWS profile %q does not exist; check AWS_PROFILE and ~/.aws/config", noProfile.Profile)}
	case err != nil:
		return aws.Config{}, settingError(err)
	}
	if c.BaseEndpoint != nil {
		if u, err := url.Parse(*c.BaseEndpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return aws.Config{}, usageError{
				fmt.Errorf(
					"AWS_ENDPOINT_URL: %q is not a URL such as http://127.0.0.1:4566; correct it, or unset it to reach AWS",
					*c.BaseEndpoint,
				),
			}
		}
	}
	if c.Credentials == nil {
		return aws.Config{}, errors.New(howToAuthenticate)
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		if ctx.Err() != nil {
			return aws.Config{}, errInterrupted
		}
		return aws.Config{}, fmt.Errorf("%s (%w)", howToAuthenticate, err)
	}
	return c, nil
}

// settingError says what is wrong with the settings that the SDK read, without
// the words of its parsers.
func settingError(err error) error {
	const load = "load the AWS configuration: "
	var number *strconv.NumError
	var file *fs.PathError
	switch {
	case errors.As(err, &number):
		return usageError{
			fmt.Errorf(load+"%q is not a number; correct AWS_MAX_ATTEMPTS or its like, in the environment or in ~/.aws/config", number.Num),
		}
	case errors.As(err, &file):
		return usageError{
			fmt.Errorf(load+"%s: %w; correct AWS_CA_BUNDLE or its like, in the environment or in ~/.aws/config", file.Path, file.Err),
		}
	}
	return usageError{fmt.Errorf(load+"%w", err)}
}

const howToAuthenticate = "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, " +
	"or log in again with aws sso login"

// signIn is awsConfig, and the account that the credentials belong to.
func signIn(ctx context.Context, region string) (c aws.Config, account string, err error) {
	if c, err = awsConfig(ctx, region); err != nil {
		return aws.Config{}, "", err
	}
	account, err = accountID(ctx, c)
	return c, account, err
}

// accountID asks who the credentials belong to. Bucket names carry the account.
func accountID(ctx context.Context, config aws.Config) (string, error) {
	out, err := sts.NewFromConfig(awsapi.First(config)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", awsapi.Explain(config.Region, "the caller's account", err)
	}
	return aws.ToString(out.Account), nil
}
