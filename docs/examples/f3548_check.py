#!/usr/bin/env python3
"""Calls all 18 endpoints of ASTM F3548-21 that a running DSS serves, and reads every answer with the types of `uas_standards`.

    pip install uas_standards requests pyjwt cryptography
    python3 f3548_check.py DSS AUDIENCE KEY.pem

KEY.pem is a private key whose public part the DSS believes: for a DSS of one's own, never for one in service. What is made is
deleted again; a report and the availability of the made-up USS `f3548-check` stay.

Beside the answers it compares the DSS's own description (`/dss/v1/openapi.json`) with the table of operations of `uas_standards`:
paths, methods, names of operations, and the type of each success.
"""
import datetime
import random
import sys
import time
import uuid

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from implicitdict import ImplicitDict, StringBasedDateTime
from uas_standards.astm.f3548.v21 import api
from uas_standards.astm.f3548.v21.api import OPERATIONS, OperationID
from uas_standards.astm.f3548.v21.constants import Scope

DSS, AUDIENCE, KEY = sys.argv[1].rstrip("/"), sys.argv[2], load_pem_private_key(open(sys.argv[3], "rb").read(), None)
START = datetime.datetime.now(datetime.UTC)
wrong, called, kinds = [], set(), {}


def token(uss, scopes):
    now = int(time.time())
    claims = {"iss": "f3548-check", "sub": uss, "aud": AUDIENCE, "scope": " ".join(scopes), "nbf": now - 1, "exp": now + 600}
    return jwt.encode({**claims, "jti": str(uuid.uuid4())}, KEY, "RS256" if isinstance(KEY, RSAPrivateKey) else "ES256")


def names(told, read, at):
    """Fields of an answer that its type does not have."""
    if isinstance(told, dict) and isinstance(read, dict):
        known = set(type(read).__annotations__)
        for name, value in told.items():
            if name not in known:
                yield f"{at}.{name}"
            else:
                yield from names(value, read[name], f"{at}.{name}")
    elif isinstance(told, list) and isinstance(read, list):
        for part, of in zip(told, read):
            yield from names(part, of, f"{at}[]")


def call(operation_id, expected, body=None, uss="uss1", scopes=None, more=(), **path):
    """Calls an operation and reads its answer; `more` are fields that an answer has beside the standard's."""
    operation = OPERATIONS[operation_id]
    scopes = scopes or [scope.value for scope in Scope]
    address = DSS + operation.path.format(**path)
    answer = requests.request(operation.verb, address, json=body, timeout=15, headers={"Authorization": f"Bearer {token(uss, scopes)}"})
    name = f"{operation.id} {answer.status_code}"
    called.add((operation_id, answer.status_code))
    if answer.status_code != expected:
        sys.exit(f"{name}, not {expected}: {answer.text}")
    kind = operation.response_body_type.get(expected)
    if kind is None:
        print(f"  {name}: a status that the standard does not have here")
        kind = api.ErrorResponse
    try:
        read = ImplicitDict.parse(answer.json(), kind)
    except Exception as error:  # whatever it complains of is the finding
        wrong.append(f"{name}: {kind.__name__}: {error}: {answer.text}")
        return None
    beside = [field for field in names(answer.json(), read, kind.__name__) if field.split(".")[-1] not in more]
    wrong.extend(f"{name}: {field} is not the standard's" for field in beside)
    kinds[kind.__name__] = kinds.get(kind.__name__, 0) + 1
    return read


def at(minutes):
    return api.Time(value=StringBasedDateTime(START + datetime.timedelta(minutes=minutes)), format=api.TimeFormat.RFC3339)


def volume(lat, lng):
    height = lambda value: api.Altitude(value=value, reference=api.AltitudeReference.W84, units=api.AltitudeUnits.M)
    circle = api.Circle(center=api.LatLngPoint(lat=lat, lng=lng), radius=api.Radius(value=200, units=api.RadiusUnits.M))
    shape = api.Volume3D(outline_circle=circle, altitude_lower=height(100), altitude_upper=height(200))
    return api.Volume4D(volume=shape, time_start=at(1), time_end=at(20))


def polygon(lat, lng):
    square = [(0, 0), (0, 0.2), (0.01, 0.2), (0.01, 0)]
    made = volume(lat, lng)
    made.volume = api.Volume3D(outline_polygon=api.Polygon(vertices=[api.LatLngPoint(lat=lat + a, lng=lng + b) for a, b in square]))
    return made


def all_operations():
    # Somewhere in the Antarctic, so that nothing else is there.
    lat, lng = random.uniform(-85, -75), random.uniform(-170, 170)
    O, url, area = OperationID, "https://uss1.example/utm", volume(lat, lng)
    one, two, told, unknown = (str(uuid.uuid4()) for _ in range(4))
    query = {"area_of_interest": area}

    subscription = api.PutSubscriptionParameters(extents=polygon(lat - 0.005, lng - 0.1), uss_base_url=url, notify_for_operational_intents=True, notify_for_constraints=True)
    made = call(O.CreateSubscription, 200, subscription, subscriptionid=told)
    call(O.CreateSubscription, 409, {**subscription, "notify_for_constraints": False}, subscriptionid=told)
    call(O.GetSubscription, 200, subscriptionid=told)
    call(O.GetSubscription, 404, subscriptionid=unknown)
    call(O.GetSubscription, 403, uss="uss2", subscriptionid=told)
    call(O.QuerySubscriptions, 200, query)
    call(O.QuerySubscriptions, 413, {"area_of_interest": api.Volume4D(volume=api.Volume3D(outline_circle=api.Circle(center=api.LatLngPoint(lat=0, lng=0), radius=api.Radius(value=1e5, units="M"))))})
    made = call(O.UpdateSubscription, 200, subscription, subscriptionid=told, version=made.subscription.version)
    call(O.UpdateSubscription, 409, subscription, subscriptionid=told, version="0123456789abcdef")

    constraint = api.PutConstraintReferenceParameters(extents=[area], uss_base_url=url)
    held = call(O.CreateConstraintReference, 201, constraint, entityid=two)
    call(O.CreateConstraintReference, 400, {"extents": [], "uss_base_url": url}, entityid=one)
    call(O.GetConstraintReference, 200, uss="uss2", entityid=two)
    call(O.GetConstraintReference, 404, entityid=unknown)
    call(O.QueryConstraintReferences, 200, query)
    call(O.UpdateConstraintReference, 403, constraint, uss="uss2", entityid=two, ovn=held.constraint_reference.ovn)
    held = call(O.UpdateConstraintReference, 200, constraint, entityid=two, ovn=held.constraint_reference.ovn)

    intent = api.PutOperationalIntentReferenceParameters(extents=[area], key=[held.constraint_reference.ovn], state=api.OperationalIntentState.Accepted, uss_base_url=url, subscription_id=told)
    call(O.CreateOperationalIntentReference, 409, {**intent, "key": []}, entityid=one)
    plan = call(O.CreateOperationalIntentReference, 201, intent, entityid=one)
    call(O.CreateOperationalIntentReference, 409, intent, entityid=one, more=("operational_intent_reference", "subscribers"))
    call(O.CreateOperationalIntentReference, 403, intent, scopes=[Scope.ConstraintProcessing.value], entityid=unknown)
    call(O.GetOperationalIntentReference, 200, uss="uss2", entityid=one)
    call(O.GetOperationalIntentReference, 400, entityid="x")
    call(O.QueryOperationalIntentReferences, 200, query)
    call(O.QueryOperationalIntentReferences, 400, {})
    plan = call(O.UpdateOperationalIntentReference, 200, {**intent, "state": "Activated"}, entityid=one, ovn=plan.operational_intent_reference.ovn)
    call(O.UpdateSubscription, 200, subscription, subscriptionid=told, version=made.subscription.version)
    call(O.DeleteOperationalIntentReference, 409, entityid=one, ovn="0123456789abcdef")
    call(O.DeleteOperationalIntentReference, 200, entityid=one, ovn=plan.operational_intent_reference.ovn)
    call(O.DeleteConstraintReference, 403, uss="uss2", entityid=two, ovn=held.constraint_reference.ovn)
    call(O.DeleteConstraintReference, 200, entityid=two, ovn=held.constraint_reference.ovn)
    version = call(O.GetSubscription, 200, subscriptionid=told).subscription.version
    call(O.DeleteSubscription, 200, subscriptionid=told, version=version)
    call(O.DeleteSubscription, 404, subscriptionid=told, version=version)

    known = call(O.GetUssAvailability, 200, uss_id="f3548-check")
    status = api.SetUssAvailabilityStatusParameters(old_version=known.version, availability=api.UssAvailabilityState.Down)
    call(O.SetUssAvailability, 200, status, uss_id="f3548-check")
    call(O.SetUssAvailability, 409, {**status, "availability": "Normal"}, uss_id="f3548-check")
    exchange = api.ExchangeRecord(url=DSS, method="GET", headers=["Accept: */*"], recorder_role=api.ExchangeRecordRecorderRole.Client, request_time=at(0), response_code=200, problem="none: this is a check")
    call(O.MakeDssReport, 201, api.ErrorReport(exchange=exchange))
    call(O.MakeDssReport, 400, {"exchange": {}})


def description():
    document = requests.get(DSS + "/dss/v1/openapi.json", timeout=15).json()
    ours = {(m.upper(), p): o for p, methods in document["paths"].items() for m, o in methods.items() if p.startswith("/dss/v1/")}
    del ours["GET", "/dss/v1/openapi.json"]
    theirs = {(o.verb, o.path): o for o in OPERATIONS.values() if o.path.startswith("/dss/v1/")}
    wrong.extend(f"{key} is in one table alone" for key in ours.keys() ^ theirs.keys())
    for key in ours.keys() & theirs.keys():
        mine, other = ours[key], theirs[key]
        if mine["operationId"] != other.id:
            wrong.append(f"{key}: {mine['operationId']}, not {other.id}")
        for status, kind in other.response_body_type.items():
            content = mine["responses"].get(str(status), {}).get("content")
            if status < 300 and content["application/json"]["schema"]["$ref"].split("/")[-1] != kind.__name__:
                wrong.append(f"{key} {status}: not {kind.__name__}")
        body = mine.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "").split("/")[-1]
        if body != (other.request_body_type.__name__ if other.request_body_type else ""):
            wrong.append(f"{key}: the body is {body}, not {other.request_body_type}")
    return theirs


theirs = description()
all_operations()
missing = {o.id for o in theirs.values()} - {OPERATIONS[o].id for o, status in called if status < 300}
wrong.extend(f"{name} was not called with success" for name in missing)
print(f"{len(theirs)} operations, {len(called)} pairs of operation and status; read: {kinds}")
for line in wrong:
    print("wrong:", line)
sys.exit(bool(wrong))
