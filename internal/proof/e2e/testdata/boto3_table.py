"""A compare-and-set on a table, and a look at a schedule, as a program with boto3 does them: TABLE SCHEDULE."""
import sys

import boto3
from botocore.exceptions import ClientError

table = boto3.resource("dynamodb").Table(sys.argv[1])
schedule = boto3.client("scheduler").get_schedule(Name=sys.argv[2])


def put(rev, **condition):
    try:
        table.put_item(Item={"id": "boto3", "rev": rev, "doc": "{}"}, **condition)
        return "put"
    except ClientError as e:
        return e.response["Error"]["Code"]


print(put(1, ConditionExpression="attribute_not_exists(id)"))
print(put(1, ConditionExpression="attribute_not_exists(id)"))
print(put(2, ConditionExpression="rev = :rev", ExpressionAttributeValues={":rev": 1}))
print(put(3, ConditionExpression="rev = :rev", ExpressionAttributeValues={":rev": 1}))
print(put(3, ConditionExpression="rev < :rev", ExpressionAttributeValues={":rev": 5}))
print(table.get_item(Key={"id": "boto3"}, ConsistentRead=True)["Item"]["rev"])
print(table.table_status, schedule["State"], schedule["ScheduleExpression"])
