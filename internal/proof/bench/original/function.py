"""A replication function as people write them: Python, boto3, a HEAD before each copy.

Benchmarks compare s3fanout with it. The handler is what runs on AWS; what is
below it stands in for Lambda's own Python runtime.
"""

import http.client
import json
import os
from urllib.parse import unquote_plus

import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
TARGET = os.environ["S3FANOUT_TARGET_BUCKET"]


def handler(event, context):
    copied = 0
    for message in event["Records"]:
        for record in json.loads(message["Sns"]["Message"]).get("Records", []):
            bucket = record["s3"]["bucket"]["name"]
            key = unquote_plus(record["s3"]["object"]["key"])
            try:
                s3.head_object(Bucket=TARGET, Key=key)
                continue
            except ClientError as error:
                if error.response["Error"]["Code"] != "404":
                    raise
            s3.copy_object(Bucket=TARGET, Key=key, CopySource={"Bucket": bucket, "Key": key})
            print(f"copied {bucket}/{key} to {TARGET}")
            copied += 1
    return {"copied": copied}


def main():
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    base = "/2018-06-01/runtime/invocation/"
    while True:
        api.request("GET", base + "next")
        response = api.getresponse()
        invocation = response.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.loads(response.read())
        try:
            answer, end = handler(event, None), "response"
        except Exception as error:  # whatever it is, Lambda is told
            answer, end = {"errorMessage": str(error), "errorType": type(error).__name__}, "error"
        api.request("POST", base + invocation + "/" + end, json.dumps(answer))
        api.getresponse().read()


main()
